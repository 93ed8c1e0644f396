// Redirects: a table of old paths, and everything else to one host.
const moved = new Map([
  ["/blog", "https://blog.example.com/"],
  ["/docs", "https://docs.example.com/start"],
]);

export default {
  fetch(request) {
    const url = new URL(request.url);
    const target = moved.get(url.pathname);
    if (target !== undefined) return Response.redirect(target, 301);
    return Response.redirect(`https://example.com${url.pathname}${url.search}`, 302);
  },
};
