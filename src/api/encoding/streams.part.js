// TextEncoderStream and TextDecoderStream (Encoding Standard, 7.3 and 7.4).
import { finish_class } from "../base/expose.js";
import { ops } from "../base/ops.js";
import { StringPrototypeCharCodeAt, StringPrototypeSlice, TypeError } from "../base/primordials.js";
import { to_dom_string } from "../base/webidl.js";
import { make_transform, transform_enqueue } from "../streams/writable.part.js";
import { Decoder, encoding_name, is_buffer_source, nothing } from "./encoding.js";

const { utf8_encode } = ops;

export class TextEncoderStream {
  #transform;
  #lead = "";  // a high surrogate whose other half may come with the next chunk

  constructor() {
    this.#transform = make_transform((chunk, t) => {
      let text = this.#lead + to_dom_string(chunk);
      this.#lead = "";
      const last = text.length > 0 ? StringPrototypeCharCodeAt(text, text.length - 1) : 0;
      if (last >= 0xd800 && last <= 0xdbff) {
        this.#lead = StringPrototypeSlice(text, text.length - 1);
        text = StringPrototypeSlice(text, 0, text.length - 1);
      }
      if (text.length > 0) transform_enqueue(t, utf8_encode(text));
    }, (t) => {
      if (this.#lead !== "") transform_enqueue(t, utf8_encode(this.#lead));
    });
  }

  get encoding() {
    this.#transform;
    return "utf-8";
  }
  get readable() {
    return this.#transform.readable;
  }
  get writable() {
    return this.#transform.writable;
  }
}

export class TextDecoderStream {
  #decoder;
  #transform;

  constructor(label = "utf-8", options = undefined) {
    const decoder = new Decoder(label, options);
    this.#decoder = decoder;
    this.#transform = make_transform((chunk, t) => {
      if (!is_buffer_source(chunk)) {
        throw new TypeError("A TextDecoderStream takes chunks that are buffers or views.");
      }
      const text = decoder.decode(chunk, true);
      if (text !== "") transform_enqueue(t, text);
    }, (t) => {
      const text = decoder.decode(nothing, false);
      if (text !== "") transform_enqueue(t, text);
    });
  }

  get encoding() {
    return encoding_name(this.#decoder.encoding);
  }
  get fatal() {
    return this.#decoder.fatal;
  }
  get ignoreBOM() {
    return this.#decoder.ignore_bom;
  }
  get readable() {
    return this.#transform.readable;
  }
  get writable() {
    return this.#transform.writable;
  }
}

finish_class(TextEncoderStream, "TextEncoderStream");
finish_class(TextDecoderStream, "TextDecoderStream");
