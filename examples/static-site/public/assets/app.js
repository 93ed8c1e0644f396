document.getElementById("page").textContent = `The app at ${location.pathname}`;
