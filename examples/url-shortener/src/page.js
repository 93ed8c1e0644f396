// The one page, with what there is to say.
const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

export function page({ link, target, error, status = 200 }) {
  let message = "";
  if (error) message = `<p class="error">${escape(error)}</p>`;
  if (link) {
    message = `<p>Here it is: <a href="${escape(link)}">${escape(link)}</a><br>
      <small>goes to ${escape(target)}</small></p>`;
  }
  return new Response(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Short links</title>
<style>
  body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 4rem auto; padding: 0 1rem; }
  form { display: flex; gap: .5rem; }
  input { flex: 1; font: inherit; padding: .4rem; }
  button { font: inherit; padding: .4rem 1rem; }
  .error { color: #a00; }
</style>
<h1>Short links</h1>
<form method="post" action="/">
  <input name="url" type="url" required placeholder="https://…" aria-label="The address to shorten">
  <button>Shorten</button>
</form>
${message}
</html>
`, { status, headers: { "content-type": "text/html; charset=utf-8" } });
}
