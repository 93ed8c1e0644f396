import { assert, assert_equals, assert_rejects, assert_throws } from "../testing/assert.js";

export const blobs = {
  async test() {
    const blob = new Blob(["é", new Uint8Array([97]), new Blob(["b"]), 1], { type: "Text/Plain" });
    assert_equals([blob.size, blob.type], [5, "text/plain"]);
    assert_equals(await blob.text(), "éab1");
    assert_equals(await blob.slice(2, -1).text(), "ab");
    assert_equals(await blob.slice(-1).text(), "1");
    assert_equals(blob.slice(0, 1, "a/b").type, "a/b");
    assert_equals(blob.slice(4, 2).size, 0);
    assert_equals((await blob.arrayBuffer()).byteLength, 5);
    assert_equals(await new Response(blob.stream()).text(), "éab1");
    assert_equals(await new Response(blob).text(), "éab1");
    assert_equals(new Response(blob).headers.get("content-type"), "text/plain");
    assert_equals(new Blob([], { type: "é" }).type, "");
    assert_throws(() => new Blob("text"), TypeError);
    assert_equals(new Blob().size, 0);
  },
};

export const files = {
  async test() {
    const file = new File(["content"], "n.txt", { type: "a/b", lastModified: 7 });
    assert_equals([file.name, file.type, file.size, file.lastModified], ["n.txt", "a/b", 7, 7]);
    assert(file instanceof Blob);
    assert_throws(() => new File([]), TypeError);
    assert_equals(String(file), "[object File]");
  },
};

export const forms = {
  test() {
    const form = new FormData();
    form.append("a", 1);
    form.append("a", "2");
    form.append("b", new Blob(["x"]), "name.bin");
    form.append("c", new Blob(["y"]));
    assert_equals(form.getAll("a"), ["1", "2"]);
    assert_equals([form.get("b").name, form.get("c").name], ["name.bin", "blob"]);
    form.set("a", "3");
    assert_equals([...form.keys()], ["a", "b", "c"]);
    form.delete("b");
    assert_equals([form.has("b"), form.get("b")], [false, null]);
    assert_throws(() => form.append("a", "text", "name"), TypeError);
    assert_throws(() => form.append("a"), TypeError);
  },
};

export const multipart_both_ways = {
  async test() {
    const form = new FormData();
    form.append("na\"me\n", "line\nend");
    form.append("file", new File([new Uint8Array([13, 10, 45, 45, 0, 255])], "é\".bin",
      { type: "x/y" }));
    form.append("empty", "");
    const response = new Response(form);
    assert(response.headers.get("content-type").startsWith("multipart/form-data; boundary="));
    const back = await response.formData();
    assert_equals([...back.keys()], ["na\"me\r\n", "file", "empty"]);
    assert_equals([back.get("na\"me\r\n"), back.get("empty")], ["line\r\nend", ""]);
    const file = back.get("file");
    assert_equals([file.name, file.type], ["é\".bin", "x/y"]);
    assert_equals(await file.bytes(), new Uint8Array([13, 10, 45, 45, 0, 255]));
  },
};

const parse = (body, type = "multipart/form-data; boundary=B") =>
  new Response(body, { headers: { "Content-Type": type } }).formData();

export const multipart_by_hand = {
  async test() {
    const form = await parse(
      "preamble\r\n--B\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n" +
      "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n2\r\n" +
      "--B--\r\nepilogue");
    assert_equals(form.get("a"), "1");
    assert_equals([form.get("f").name, form.get("f").type], ["x", "text/plain"]);
    assert_equals([...await parse("--B--\r\n")].length, 0);
    for (const bad of ["", "text", "--B\r\n", "--B\r\nA: b\r\n\r\nx\r\n--B--", "--Bx\r\n\r\n",
      "--B\r\nContent-Disposition: form-data; name=a\r\n\r\nno end"]) {
      await assert_rejects(parse(bad), TypeError);
    }
    await assert_rejects(parse("--B--", "multipart/form-data"), TypeError);
    await assert_rejects(parse("a=b", "text/plain"), TypeError);
  },
};
