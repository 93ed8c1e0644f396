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

const decoded = (label, ...list) => new TextDecoder(label).decode(bytes(...list));

export const decode_legacy = {
  test() {
    assert_equals(new TextDecoder(" Shift-JIS ").encoding, "shift_jis");
    assert_equals(new TextDecoder("latin2").encoding, "iso-8859-2");
    assert_equals(decoded("iso-8859-2", 0x41, 0xb1), "Aą");
    assert_equals(decoded("koi8-u", 0xa4), "є");
    assert_equals(decoded("windows-1253", 0xd2), "\ufffd");
    assert_equals(decoded("x-user-defined", 0x80, 0xff), "\uf780\uf7ff");
    assert_equals(decoded("big5", 0xa4, 0x40, 0x88, 0x62, 0xff, 0x81, 0x20), "一Ê\u0304\ufffd\ufffd ");
    assert_equals(decoded("euc-kr", 0xb0, 0xa1, 0x81), "가\ufffd");
    assert_equals(decoded("euc-jp", 0x8e, 0xb1, 0x8f, 0xb0, 0xa1, 0xb0, 0xa1), "ｱ丂亜");
    assert_equals(decoded("shift_jis", 0xb1, 0x88, 0x9f, 0x80, 0xf0, 0x40, 0x81, 0x00), "ｱ亜\x80\ue000\ufffd\0");
    assert_equals(decoded("gbk", 0x80, 0xd2, 0xbb), "€一");
    assert_equals(decoded("gb18030", 0x90, 0x30, 0x81, 0x30, 0x81, 0x35, 0xf4, 0x37), "\u{10000}\ue7c7");
    assert_equals(decoded("gb18030", 0x81, 0x30, 0x41), "\ufffd0A");
    assert_equals(decoded("iso-2022-jp", 0x1b, 0x24, 0x42, 0x30, 0x21, 0x1b, 0x28, 0x4a, 0x5c), "亜¥");
    assert_equals(decoded("iso-2022-jp", 0x1b, 0x24, 0x41), "\ufffd$A");
    for (const label of ["replacement", "utf-7", "big6"]) {
      assert_throws(() => new TextDecoder(label), RangeError);
    }
  },
};

// A byte at a time means the same, whatever the encoding.
export const decode_legacy_in_pieces = {
  test() {
    const samples = {
      "gb18030": [0x90, 0x30, 0x81, 0x30, 0xd2, 0xbb, 0x81, 0x30, 0x81, 0x41, 0x81],
      "iso-2022-jp": [0x1b, 0x24, 0x42, 0x30, 0x21, 0x30, 0x1b, 0x28, 0x42, 0x41, 0x1b, 0x28],
      "euc-jp": [0x8f, 0xb0, 0xa1, 0x8f, 0xb0, 0x41, 0x8e],
      "big5": [0xa4, 0x40, 0x88, 0x62, 0xa4],
      "windows-1251": [0xc0, 0x41],
    };
    for (const [label, list] of Object.entries(samples)) {
      const decoder = new TextDecoder(label);
      let text = "";
      for (const byte of list) text += decoder.decode(bytes(byte), { stream: true });
      assert_equals(text + decoder.decode(), decoded(label, ...list));
      const fatal = new TextDecoder(label, { fatal: true });
      if (!text.includes("\ufffd") && !decoder.decode().includes("\ufffd")) continue;
      assert_throws(() => fatal.decode(bytes(...list)), TypeError);
    }
  },
};
