import { assert, assert_equals, assert_throws } from "../testing/assert.js";

const bytes = (...list) => new Uint8Array(list);

export const encode = {
  test() {
    const encoder = new TextEncoder();
    assert_equals(encoder.encoding, "utf-8");
    assert_equals(encoder.encode("é€😀\ud800"),
      bytes(195, 169, 226, 130, 172, 240, 159, 152, 128, 239, 191, 189));
    assert_equals(encoder.encode(), bytes());
    assert_equals(encoder.encode(undefined), bytes());
    const target = new Uint8Array(5);
    assert_equals(encoder.encodeInto("a€€", target), { read: 2, written: 4 });
    assert_equals(target, bytes(97, 226, 130, 172, 0));
    assert_equals(encoder.encodeInto("😀", target.subarray(2)), { read: 0, written: 0 });
    assert_throws(() => encoder.encodeInto("a", [1]), TypeError);
  },
};

export const decode_utf8 = {
  test() {
    const decoder = new TextDecoder();
    assert_equals(decoder.decode(bytes(239, 187, 191, 97)), "a");
    assert_equals(new TextDecoder("utf8", { ignoreBOM: true }).decode(bytes(239, 187, 191)),
      "\ufeff");
    assert_equals(decoder.decode(bytes(0xe2, 0x82, 97, 0xff, 0xed, 0xa0, 0x80)),
      "\ufffda\ufffd\ufffd\ufffd\ufffd");
    assert_equals(decoder.decode(new Uint16Array([0x6261]).buffer), "ab");
    assert_equals(decoder.decode(new DataView(bytes(1, 98).buffer, 1)), "b");
    assert_equals(decoder.decode(), "");
    assert_throws(() => decoder.decode("text"), TypeError);
    const fatal = new TextDecoder("utf-8", { fatal: true });
    for (const bad of [[0xc0, 0x80], [0xe2, 0x82], [0xf5], [0xed, 0xa0, 0x80], [0x80]]) {
      assert_throws(() => fatal.decode(bytes(...bad)), TypeError);
    }
    assert_equals(fatal.decode(bytes(0xf4, 0x8f, 0xbf, 0xbf)), "\u{10ffff}");
  },
};

export const decode_streams = {
  test() {
    const text = "\ufeffa€😀é";
    const whole = new TextEncoder().encode(text);
    const decoder = new TextDecoder();
    let out = "";
    for (const byte of whole) out += decoder.decode(bytes(byte), { stream: true });
    out += decoder.decode();
    assert_equals(out, "a€😀é");
    assert_equals(decoder.decode(bytes(0xe2), { stream: true }), "");
    assert_equals(decoder.decode(), "\ufffd");
    const wide = new TextDecoder("utf-16le");
    const units = new Uint8Array(new Uint16Array([..."x😀"].join("").split("").map(
      (c) => c.charCodeAt(0))).buffer);
    out = "";
    for (const byte of units) out += wide.decode(bytes(byte), { stream: true });
    assert_equals(out + wide.decode(), "x😀");
  },
};

export const other_encodings = {
  test() {
    assert_equals(new TextDecoder("UTF-16BE").decode(bytes(0, 97, 0xd8, 0)), "a\ufffd");
    assert_equals(new TextDecoder(" latin1\n").encoding, "windows-1252");
    assert_equals(new TextDecoder("ascii").decode(bytes(0x80, 0xe9)), "€é");
    assert_equals(new TextDecoder("utf-16").encoding, "utf-16le");
    const error = assert_throws(() => new TextDecoder("klingon"), RangeError);
    assert(error.message.includes("klingon"));
    assert_throws(() => new TextDecoder("shift_jis"), RangeError);
  },
};

export const base64 = {
  test() {
    assert_equals(btoa("hello\xff"), "aGVsbG//");
    assert_equals([btoa(""), btoa("a"), btoa("ab"), btoa("abc")], ["", "YQ==", "YWI=", "YWJj"]);
    assert_equals(atob(" YW\nI "), "ab");
    assert_equals([atob("YQ=="), atob("YQ"), atob("")], ["a", "a", ""]);
    for (const bad of ["Y", "YQ=", "Y===", "Y*==", "=", "YQ==YQ=="]) {
      assert_throws(() => atob(bad), "InvalidCharacterError");
    }
    assert_throws(() => btoa("€"), "InvalidCharacterError");
  },
};

export const text_streams = {
  async test() {
    const source = ReadableStream.from(["a", "\ud83d", "\ude00b"]);
    const chunks = [];
    for await (const chunk of source.pipeThrough(new TextEncoderStream())) chunks.push(...chunk);
    assert_equals(new Uint8Array(chunks), bytes(97, 240, 159, 152, 128, 98));
    const parts = ReadableStream.from([bytes(226, 130), bytes(172, 97)]);
    let out = "";
    for await (const text of parts.pipeThrough(new TextDecoderStream())) out += text;
    assert_equals(out, "€a");
  },
};
