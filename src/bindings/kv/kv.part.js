// KvNamespace: what a kv_namespaces binding is in env. Native half: kv_ops.cc.
import { kInternal } from "../../api/base/internal.js";
import { finish_class } from "../../api/base/expose.js";
import {
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferIsView,
  ArrayIsArray,
  ArrayPrototypePush,
  DateNow,
  Error,
  JSONParse,
  JSONStringify,
  Map,
  MapPrototypeSet,
  MathFloor,
  NumberIsNaN,
  TypeError,
  TypedArrayPrototypeGetByteLength,
  PromiseWithResolvers,
} from "../../api/base/primordials.js";
import { illegal_constructor, require_args, to_usv_string } from "../../api/base/webidl.js";
import { own_ops } from "../../api/parts/own_ops.js";
import {
  acquire_reader, byte_close, byte_enqueue, is_readable_stream, new_byte_stream, reader_cancel,
  reader_read,
} from "../../api/streams/streams.js";
import { mark_handled } from "../../api/streams/promises.js";
import { concat_chunks, utf8_length } from "./bytes.js";

const { kv_blob_read, kv_delete, kv_get, kv_list, kv_put, kv_sink_end, kv_sink_open,
  kv_sink_write } = own_ops;

const kMaxKeyBytes = 512;
const kMaxValueBytes = 25 * 1024 * 1024;
const kMaxMetadataBytes = 1024;
const kMaxKeysPerGet = 100;
const kMaxKeysPerList = 1000;
const kMaxInlineBytes = 64 * 1024;
const kMinTtlSeconds = 60;
const kMinCacheTtlSeconds = 30;
const kTypes = { __proto__: null, text: 0, json: 1, arrayBuffer: 2, stream: 3 };
const kStream = 3;

function failed(method, status, reason) {
  return new Error(`KV ${method} failed: ${status} ${reason}`);
}

function check_key(method, value) {
  const key = to_usv_string(value);
  if (key === "") throw new TypeError("Key name cannot be empty.");
  if (key === ".") throw new TypeError("\".\" is not allowed as a key name.");
  if (key === "..") throw new TypeError("\"..\" is not allowed as a key name.");
  // A third of the limit in characters cannot exceed it in bytes.
  if (key.length * 3 > kMaxKeyBytes) {
    const bytes = utf8_length(key);
    if (bytes > kMaxKeyBytes) {
      throw failed(method, 414,
        `UTF-8 encoded length of ${bytes} exceeds key length limit of ${kMaxKeyBytes}.`);
    }
  }
  return key;
}

// The type as kTypes has it, of "text" or {type, cacheTtl}.
function read_get_options(method, options) {
  let name = "text";
  if (typeof options === "string") name = options;
  else if (options !== undefined && options !== null) {
    const { type, cacheTtl } = options;
    if (type !== undefined && type !== null) name = to_usv_string(type);
    if (cacheTtl !== undefined && cacheTtl !== null) {
      const seconds = +cacheTtl;
      if (!(seconds >= kMinCacheTtlSeconds)) {
        throw failed(method, 400, `Invalid cache_ttl of ${cacheTtl}. Cache TTL must be at least ` +
          `${kMinCacheTtlSeconds}.`);
      }
    }
  }
  const type = kTypes[name];
  if (type === undefined) {
    throw new TypeError("Unknown response type. Possible types are \"text\", \"arrayBuffer\", " +
      "\"json\", and \"stream\".");
  }
  return type;
}

// A stream over bytes that are there, or over the file of that id.
function stream_of(source) {
  const { stream, controller } = new_byte_stream({
    pull: async () => {
      const chunk = typeof source === "number" ? await kv_blob_read(source) : source;
      if (TypedArrayPrototypeGetByteLength(chunk) === 0) return byte_close(controller);
      byte_enqueue(controller, chunk);
      if (typeof source !== "number") byte_close(controller);
    },
    cancel: () => undefined,
  });
  return stream;
}

async function read_one(index, key, type, with_metadata, counted = false) {
  const read = await kv_get(index, key, type, with_metadata, counted);
  if (type !== kStream) return read;
  if (!with_metadata) return read === null ? null : stream_of(read);
  if (read.value !== null) read.value = stream_of(read.value);
  return read;
}

function check_bulk(keys, options) {
  if (keys.length > kMaxKeysPerGet) {
    throw failed("GET_BULK", 400, `You can request a maximum of ${kMaxKeysPerGet} keys`);
  }
  if (keys.length < 1) throw failed("GET_BULK", 400, "You must request a minimum of 1 key");
  const type = read_get_options("GET_BULK", options);
  if (type > kTypes.json) {
    const name = type === kStream ? "stream" : "arrayBuffer";
    throw failed("GET_BULK", 400, `"${name}" is not a valid type. Use "json" or "text"`);
  }
  const names = [];
  for (let i = 0; i < keys.length; i++) ArrayPrototypePush(names, check_key("GET_BULK", keys[i]));
  return { __proto__: null, names, type };
}

// One operation, a Map of all keys. Values are taken as text, so that their sizes are known.
async function read_bulk(index, keys, options, with_metadata) {
  const { names, type } = check_bulk(keys, options);
  const pending = [];
  for (let i = 0; i < names.length; i++) {
    ArrayPrototypePush(pending, read_one(index, names[i], kTypes.text, true, i > 0));
  }
  const found = new Map();
  let bytes = 0;
  for (let i = 0; i < names.length; i++) {
    const read = await pending[i];
    if (read.value !== null) {
      bytes += read.value.length;
      if (bytes > kMaxValueBytes) {
        throw failed("GET_BULK", 413, "Total size of request exceeds the limit of 25MB");
      }
      if (type === kTypes.json) read.value = JSONParse(read.value);
    }
    MapPrototypeSet(found, names[i], with_metadata ? read : read.value);
  }
  return found;
}

// Seconds since the epoch, 0: none.
function read_expiration(expiration, ttl) {
  const now = MathFloor(DateNow() / 1000);
  if (ttl !== undefined && ttl !== null) {
    const seconds = MathFloor(+ttl);
    if (NumberIsNaN(seconds) || seconds <= 0) {
      throw failed("PUT", 400,
        `Invalid expiration_ttl of ${ttl}. Please specify integer greater than 0.`);
    }
    if (seconds < kMinTtlSeconds) {
      throw failed("PUT", 400, `Invalid expiration_ttl of ${ttl}. Expiration TTL must be at least ` +
        `${kMinTtlSeconds}.`);
    }
    return now + seconds;
  }
  if (expiration === undefined || expiration === null) return 0;
  const seconds = MathFloor(+expiration);
  if (NumberIsNaN(seconds) || seconds <= now) {
    throw failed("PUT", 400, `Invalid expiration of ${expiration}. Please specify integer greater ` +
      "than the current number of seconds since the UNIX epoch.");
  }
  if (seconds < now + kMinTtlSeconds) {
    throw failed("PUT", 400, `Invalid expiration of ${expiration}. Expiration times must be at ` +
      `least ${kMinTtlSeconds} seconds in the future.`);
  }
  return seconds;
}

function read_put_options(options) {
  if (options === undefined || options === null) return { __proto__: null, expiration: 0, metadata: "" };
  const { expiration, expirationTtl, metadata } = options;
  const at = read_expiration(expiration, expirationTtl);
  let text = "";
  if (metadata !== undefined && metadata !== null) {
    text = JSONStringify(metadata) ?? "";
    const bytes = utf8_length(text);
    if (bytes > kMaxMetadataBytes) {
      throw failed("PUT", 413, `Metadata length of ${bytes} exceeds limit of ${kMaxMetadataBytes}.`);
    }
  }
  return { __proto__: null, expiration: at, metadata: text };
}

function too_large(bytes) {
  return failed("PUT", 413, `Value length of ${bytes} exceeds limit of ${kMaxValueBytes}.`);
}

async function put_bytes(index, key, value, { expiration, metadata }) {
  const stored = kv_put(index, key, value, expiration, metadata);
  if (typeof stored === "number") throw too_large(stored);
  await stored;
}

// A chunk of a stream, or null at its end.
function read_chunk(reader) {
  const { promise, resolve, reject } = PromiseWithResolvers();
  reader_read(reader, {
    __proto__: null, chunk: resolve, close: () => resolve(null), error: reject,
  });
  return promise;
}

function chunk_bytes(chunk) {
  if (ArrayBufferIsView(chunk)) return chunk;
  try {
    ArrayBufferPrototypeGetByteLength(chunk);
    return chunk;
  } catch {
    throw new TypeError("This TransformStream is being used as a byte stream, but received an " +
      "object of non-ArrayBuffer/ArrayBufferView type on its writable side.");
  }
}

async function put_stream(index, key, stream, options) {
  const reader = acquire_reader(stream);
  const chunks = [];
  let bytes = 0;
  let sink = 0;
  try {
    for (;;) {
      const chunk = await read_chunk(reader);
      if (chunk === null) break;
      const view = chunk_bytes(chunk);
      bytes += view.byteLength;
      if (bytes > kMaxValueBytes) throw too_large(bytes);
      if (sink === 0 && bytes <= kMaxInlineBytes) {
        ArrayPrototypePush(chunks, view);
        continue;
      }
      if (sink === 0) {
        sink = kv_sink_open(index, key, options.expiration, options.metadata);
        if (chunks.length > 0) await kv_sink_write(sink, concat_chunks(chunks));
      }
      await kv_sink_write(sink, view);
    }
  } catch (error) {
    mark_handled(reader_cancel(reader, error));
    throw error;
  }
  if (sink === 0) return await put_bytes(index, key, concat_chunks(chunks), options);
  await kv_sink_end(sink);
}

function is_bytes(value) {
  if (ArrayBufferIsView(value)) return true;
  try {
    ArrayBufferPrototypeGetByteLength(value);
    return true;
  } catch {
    return false;
  }
}

function make_page(flat) {
  const keys = [];
  for (let i = 1; i < flat.length; i += 3) {
    const key = { name: flat[i] };
    if (flat[i + 1] !== 0) key.expiration = flat[i + 1];
    if (flat[i + 2] !== "") key.metadata = JSONParse(flat[i + 2]);
    ArrayPrototypePush(keys, key);
  }
  return flat[0] === "" ? { keys, list_complete: true, cacheStatus: null } :
    { keys, list_complete: false, cursor: flat[0], cacheStatus: null };
}

class KvNamespace {
  #index;
  constructor(internal, index) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#index = index;
  }

  async get(key, options = undefined) {
    require_args(arguments.length, 1, "get", "KvNamespace");
    if (ArrayIsArray(key)) return await read_bulk(this.#index, key, options, false);
    const name = check_key("GET", key);
    const type = read_get_options("GET", options);
    if (type !== kStream) return await kv_get(this.#index, name, type, false);
    return await read_one(this.#index, name, type, false);
  }

  async getWithMetadata(key, options = undefined) {
    require_args(arguments.length, 1, "getWithMetadata", "KvNamespace");
    if (ArrayIsArray(key)) return await read_bulk(this.#index, key, options, true);
    const name = check_key("GET", key);
    return await read_one(this.#index, name, read_get_options("GET", options), true);
  }

  async put(key, value, options = undefined) {
    require_args(arguments.length, 2, "put", "KvNamespace");
    const name = check_key("PUT", key);
    const how = read_put_options(options);
    if (is_readable_stream(value)) return await put_stream(this.#index, name, value, how);
    if (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol" &&
        value !== undefined) {
      return await put_bytes(this.#index, name, to_usv_string(value), how);
    }
    if (value === null || !is_bytes(value)) {
      throw new TypeError("KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and " +
        "ReadableStreams as values.");
    }
    return await put_bytes(this.#index, name, value, how);
  }

  async delete(key) {
    require_args(arguments.length, 1, "delete", "KvNamespace");
    await kv_delete(this.#index, check_key("DELETE", key));
  }

  async list(options = undefined) {
    const { prefix, limit, cursor } = options ?? { __proto__: null };
    let count = limit === undefined || limit === null ? 0 : MathFloor(+limit);
    if (NumberIsNaN(count) || count < 0) {
      throw failed("GET", 400,
        `Invalid key_count_limit of ${limit}. Please specify an integer greater than 0.`);
    }
    if (count > kMaxKeysPerList) {
      throw failed("GET", 400, `Invalid key_count_limit of ${limit}. Please specify an integer ` +
        `less than ${kMaxKeysPerList}.`);
    }
    if (count === 0) count = kMaxKeysPerList;
    const begin = prefix === undefined || prefix === null ? "" : to_usv_string(prefix);
    if (utf8_length(begin) > kMaxKeyBytes) {
      throw failed("GET", 414, `UTF-8 encoded length of ${utf8_length(begin)} exceeds key length ` +
        `limit of ${kMaxKeyBytes}.`);
    }
    const from = cursor === undefined || cursor === null ? "" : to_usv_string(cursor);
    return make_page(await kv_list(this.#index, begin, count, from));
  }
}
finish_class(KvNamespace, "KvNamespace");

export function make_binding(index) {
  return new KvNamespace(kInternal, index);
}
