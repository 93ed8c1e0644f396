// POST / with a form field `url` makes a short link, GET /NAME goes there. Links that nobody renews are
// gone after a year.
import { page } from "./page.js";

const YEAR_SECONDS = 365 * 24 * 3600;
const LETTERS = "abcdefghijkmnopqrstuvwxyz23456789"; // none that look alike

function new_name() {
  const bytes = crypto.getRandomValues(new Uint8Array(7));
  return Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join("");
}

function checked_url(text) {
  const url = URL.parse(String(text ?? "").trim());
  return url !== null && /^https?:$/.test(url.protocol) && url.href.length <= 2000 ? url.href : null;
}

async function shorten(request, env) {
  const form = await request.formData();
  const target = checked_url(form.get("url"));
  if (target === null) return page({ error: "This is no http or https address.", status: 400 });
  const name = new_name();
  await env.LINKS.put(name, target, {
    expirationTtl: YEAR_SECONDS,
    metadata: { made: new Date().toISOString() },
  });
  return page({ link: new URL(`/${name}`, request.url).href, target, status: 201 });
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/") {
      if (request.method === "POST") return await shorten(request, env);
      return page({});
    }
    const target = await env.LINKS.get(pathname.slice(1)).catch(() => null);
    if (target === null) return page({ error: "There is no such link.", status: 404 });
    return Response.redirect(target, 302);
  },
};
