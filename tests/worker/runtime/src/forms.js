import { check, refused, same } from "./check.js";

export const multipart_there_and_back = {
  async test() {
    const form = new FormData();
    form.append("text", "a\r\nb");
    form.append('quoted "name"', "v");
    form.append("file", new Blob([new Uint8Array([0, 13, 10, 255])], { type: "application/x-bytes" }), "ü.bin");
    const request = new Request("http://a.example/", { method: "POST", body: form });
    check(request.headers.get("content-type").startsWith("multipart/form-data; boundary="));
    const back = await request.formData();
    same([back.get("text"), back.get('quoted "name"')], ["a\r\nb", "v"]);
    const file = back.get("file");
    same([file.name, file.type, file.size], ["ü.bin", "application/x-bytes", 4]);
    same([...new Uint8Array(await file.arrayBuffer())], [0, 13, 10, 255]);
  },
};

export const urlencoded = {
  async test() {
    const form = await new Response("a=1&b=%20+&a=%ff", {
      headers: { "content-type": "application/x-www-form-urlencoded" } }).formData();
    same([...form], [["a", "1"], ["b", "  "], ["a", "\ufffd"]]);
    await refused(() => new Response("x").formData(), "TypeError");
    await refused(() => new Response("--x\r\nbroken", {
      headers: { "content-type": "multipart/form-data; boundary=x" } }).formData(), "TypeError");
  },
};

export const blobs = {
  async test() {
    const blob = new Blob(["ab", new Blob(["cd"]), new Uint8Array([101])], { type: "Text/Plain" });
    same([blob.size, blob.type, await blob.text()], [5, "text/plain", "abcde"]);
    same(await blob.slice(1, -1, "x/y").text(), "bcd");
    same(await new Response(blob.stream()).text(), "abcde");
    const file = new File(["z"], "z.txt", { lastModified: 5 });
    same([file.name, file.lastModified, file instanceof Blob], ["z.txt", 5, true]);
  },
};
