import { assert, assert_equals, assert_rejects, assert_throws } from "../testing/assert.js";

const html = (text) => new Response(text, { headers: { "content-type": "text/html", "content-length": "5" } });
const rewrite = (rewriter, text) => rewriter.transform(html(text)).text();

export const elements = {
  async test() {
    const seen = [];
    const handler = {
      element(element) {
        assert_equals(this === handler, true);
        seen.push([element.tagName, element.namespaceURI, [...element.attributes], element.removed]);
        assert_equals(element.getAttribute("href"), "/x");
        assert_equals(element.getAttribute("nope"), null);
        assert_equals([element.hasAttribute("href"), element.hasAttribute("y")], [true, false]);
        element.setAttribute("href", "/\u00fc\"").removeAttribute("class").before("<b>").after("<i>", { html: true })
          .prepend("p").append("a");
        element.tagName = "em";
      },
    };
    assert_equals(await rewrite(new HTMLRewriter().on("a[href]", handler), "<a href='/x' class=c>t</a><a>u</a>"),
      "&lt;b&gt;<em href=\"/\u00fc&quot;\">pta</em><i><a>u</a>");
    assert_equals(seen, [["a", "http://www.w3.org/1999/xhtml", [["href", "/x"], ["class", "c"]], false]]);
  },
};

export const ways_to_change = {
  async test() {
    const one = (change) => rewrite(new HTMLRewriter().on("p", { element: change }), "<p>x<b>y</b></p>z");
    assert_equals(await one((e) => e.replace("<r>", { html: true })), "<r>z");
    assert_equals(await one((e) => e.setInnerContent("<r>")), "<p>&lt;r&gt;</p>z");
    assert_equals(await one((e) => e.remove()), "z");
    assert_equals(await one((e) => e.removeAndKeepContent()), "x<b>y</b>z");
    assert_equals(await one((e) => e.onEndTag((end) => {
      assert_equals(end.name, "p");
      end.before("1").after("2");
      end.name = "q";
    })), "<p>x<b>y</b>1</q>2z");
    assert_equals(await one((e) => e.onEndTag((end) => end.remove())), "<p>x<b>y</b>z");
    assert_equals(await one((e) => e.append(new Response("<s>"), { html: true }).append("!")),
      "<p>x<b>y</b><s>!</p>z");
    assert_equals(await one((e) => e.before(new Blob(["<s>"]).stream()).remove()), "&lt;s&gt;z");
  },
};

export const other_tokens = {
  async test() {
    const seen = [];
    const rewriter = new HTMLRewriter()
      .on("p", {
        comments(comment) {
          seen.push(comment.text);
          comment.text = "new";
          comment.before("B").after("A");
        },
        text(text) {
          seen.push([text.text, text.lastInTextNode]);
          if (text.text === "drop") text.remove();
          if (text.text === "swap") text.replace("<w>").before("b").after("a");
        },
      })
      .onDocument({
        doctype(type) {
          seen.push([type.name, type.publicId, type.systemId]);
        },
        comments(comment) {
          if (comment.text === "gone") comment.remove();
        },
        text() {},
        end(end) {
          end.append("<end>", { html: true }).append("&");
        },
      });
    assert_equals(await rewrite(rewriter, "<!DOCTYPE html><!--gone--><p><!--old-->swap</p><p>drop</p>"),
      "<!DOCTYPE html><p>B<!--new-->Ab&lt;w&gt;a</p><p></p><end>&amp;");
    assert_equals(seen, [["html", null, null], "old", ["swap", false], ["", true], ["drop", false], ["", true]]);
  },
};

export const selectors = {
  async test() {
    const text = "<div id=i class='c d'><p a=v>1</p><p>2</p><span>3</span></div><p A=V>4</p>";
    const hit = async (selector) => {
      let found = "";
      const out = await rewrite(new HTMLRewriter().on(selector, {
        element(e) { found += e.tagName[0]; },
      }), text);
      assert_equals(out, text);
      return found;
    };
    assert_equals(await hit("*"), "dppsp");
    assert_equals([await hit("p"), await hit(".d"), await hit("#i"), await hit("[a]")], ["ppp", "d", "d", "pp"]);
    assert_equals([await hit("[a='V' i]"), await hit("[a=v]"), await hit("[class~=d]")], ["pp", "p", "d"]);
    assert_equals([await hit("[class^=c]"), await hit("[class$=d]"), await hit("[class*=' ']")], ["d", "d", "d"]);
    assert_equals([await hit("p:nth-child(2)"), await hit("p:first-child"), await hit("p:nth-of-type(2)")],
      ["pp", "p", "p"]);
    assert_equals([await hit("div > p"), await hit("div span"), await hit("p:not([a])"), await hit("span, #i")],
      ["pp", "s", "p", "ds"]);
    assert_throws(() => new HTMLRewriter().on("a + b", {}), TypeError,
      "Parser error: Unsupported combinator `+` in selector.");
    assert_throws(() => new HTMLRewriter().on("a:hover", {}), TypeError, /^Parser error: /);
    assert_throws(() => new HTMLRewriter().on("", {}), TypeError, /^Parser error: /);
  },
};

const later = (ms) => scheduler.wait(ms);

export const async_handlers_of_several_rewriters = {
  async test() {
    const rewriter = (name, ms) => new HTMLRewriter().on("p", {
      async element(element) {
        await later(ms);
        element.append(name);
        await later(ms);
        element.onEndTag(async (end) => {
          await later(ms);
          end.after(name);
        });
      },
      async text(text) {
        await later(1);
        if (text.text !== "") text.after("-");
      },
    });
    const page = "<p>x</p><p>y</p>".repeat(5);
    const all = await Promise.all([5, 1, 3, 2].map((ms, i) => rewrite(rewriter(`${i}`, ms), page)));
    for (let i = 0; i < 4; i++) assert_equals(all[i], `<p>x-${i}</p>${i}<p>y-${i}</p>${i}`.repeat(5));
    // One inside of another's handler, and one after another.
    const nested = new HTMLRewriter().on("p", {
      async element(element) {
        element.setInnerContent(await rewrite(rewriter("n", 1), "<p>x</p>"), { html: true });
      },
    });
    assert_equals(await rewrite(nested, "<p></p>"), "<p><p>x-n</p>n</p>");
    assert_equals(await rewriter("b", 1).transform(rewriter("a", 1).transform(html("<p>x</p>"))).text(),
      "<p>x-a-b</p>ba");
  },
};

export const errors = {
  async test() {
    class Mine extends Error {}
    const failing = (handlers) => rewrite(new HTMLRewriter().on("p", handlers), "<p>x</p>");
    await assert_rejects(failing({ element() { throw new Mine("e"); } }), Mine, "e");
    await assert_rejects(failing({ async element() { await later(1); throw new Mine("f"); } }), Mine, "f");
    await assert_rejects(failing({ text() { throw new Mine("g"); } }), Mine, "g");
    let kept;
    await failing({ element(element) { kept = element; } });
    assert_throws(() => kept.tagName, TypeError, "This content token is no longer valid. Content tokens are " +
      "only valid during the execution of the relevant content handler.");
    await failing({ element(element) {
      for (const pair of element.attributes) element.setAttribute("a", "b");
    } });
    await assert_rejects(rewrite(new HTMLRewriter().on("p", { element(element) {
      for (const pair of element.attributes) element.setAttribute("a", "b");
    } }), "<p c=d e=f>"), TypeError);
    let thrown = 0;
    assert_equals(await rewrite(new HTMLRewriter().on("br", { element(element) {
      try {
        element.onEndTag(() => {});
      } catch (error) {
        if (error instanceof TypeError) thrown++;
      }
    } }), "<br>".repeat(20000)).then((text) => text.length), 80000);
    assert_equals(thrown, 20000);
    assert_throws(() => new HTMLRewriter().on("p", { element: 1 }), TypeError);
    assert_throws(() => new HTMLRewriter().transform({}), TypeError);
    const source = new ReadableStream({ pull() { throw new Mine("source"); } });
    await assert_rejects(new HTMLRewriter().on("p", {}).transform(new Response(source)).text(), Mine);
  },
};

export const streaming = {
  async test() {
    let pulls = 0;
    let cancelled;
    const source = new ReadableStream({
      pull(controller) {
        pulls++;
        controller.enqueue(new TextEncoder().encode(`<p>${pulls}</p>`));
      },
      cancel(reason) {
        cancelled = reason;
      },
    }, { highWaterMark: 0 });
    const out = new HTMLRewriter().on("p", { element(e) { e.after("|"); } }).transform(
      new Response(source, { status: 201, headers: { "x-a": "b", "content-length": "9" } }));
    assert_equals([out.status, out.headers.get("x-a"), out.headers.get("content-length")], [201, "b", null]);
    const reader = out.body.getReader();
    assert_equals(new TextDecoder().decode((await reader.read()).value), "<p>1</p>|");
    assert(pulls <= 2, `${pulls} pulls`);
    await reader.cancel("enough");
    assert_equals(cancelled, "enough");
    assert_equals(new HTMLRewriter().transform(new Response(null, { status: 204 })).body, null);
    const big = "<div><p class='x'>text</p></div>\u00e9".repeat(40000);
    assert_equals(await rewrite(new HTMLRewriter().on("q", {}), big), big);
  },
};

export const hostile_pages = {
  async test() {
    const page = `${"<div>".repeat(20000)}<a ${"x=y ".repeat(5000)} z='${"q".repeat(300000)}'>` +
      `${"</div>".repeat(20000)}<!--`;
    const out = await rewrite(new HTMLRewriter().on("a", {
      element(e) { assert([...e.attributes].length > 1); },
    }).on("div > div", {}), page);
    assert_equals(out.length, page.length);
    for (const change of [(e) => e.setAttribute("bad name>", "x"), (e) => { e.tagName = "b c"; },
      (e) => Object.getPrototypeOf(e).before.call({}, "x")]) {
      await assert_rejects(rewrite(new HTMLRewriter().on("a", { element: change }), "<a>"), TypeError);
    }
    assert_throws(() => new HTMLRewriter().on("a[", {}), TypeError);
    assert_equals(await rewrite(new HTMLRewriter().on("a", { element(e) { e.append("!"); } }), "<a></a>"),
      "<a>!</a>");
  },
};

export const many_at_once = {
  async test() {
    const one = async (i) => await rewrite(new HTMLRewriter().on("p", { async element(e) {
      await later(i % 5);
      if (i % 10 === 9) throw new Error("mine");
      e.append(`${i}`);
    } }), "<p></p>".repeat(3));
    const all = await Promise.all(Array.from({ length: 100 }, (_, i) => one(i).catch((error) => error.message)));
    for (let i = 0; i < 100; i++) assert_equals(all[i], i % 10 === 9 ? "mine" : `<p>${i}</p>`.repeat(3));
    for (let i = 0; i < 40; i++) {
      const body = new HTMLRewriter().on("p", { element: () => new Promise(() => {}) })
        .transform(html("<p></p>")).body;
      const reader = body.getReader();
      const reading = reader.read();
      await later(0);
      await reader.cancel();
      assert_equals((await reading).done, true);
    }
    assert_equals(await one(1), "<p>1</p>".repeat(3));
    assert_throws(() => new HTMLRewriter().on("a>".repeat(600), {}), TypeError, /too long/);
    assert_equals(await rewrite(new HTMLRewriter().on(`${"a>".repeat(500)}a`, { element(e) { e.append("!"); } }),
      "<a>".repeat(501)), `${"<a>".repeat(501)}`);
  },
};

export const patched_prototypes = {
  async test() {
    const push = Array.prototype.push;
    const { then } = Promise.prototype;
    const rewriter = new HTMLRewriter().on("p", { element(e) { e.append("!"); } });
    const response = html("<p></p>");
    Array.prototype.push = Array.prototype.pop = () => { throw new Error("seen"); };
    globalThis.WebAssembly = undefined;
    try {
      assert_equals(await rewriter.transform(response).text(), "<p>!</p>");
    } finally {
      Array.prototype.push = push;
      Promise.prototype.then = then;
    }
  },
};
