// Readable.toWeb and kin: streams of Node.js as streams of the web platform, and back.

function to_bytes(chunk, Buffer) {
  if (typeof chunk === "string") return new Uint8Array(Buffer.from(chunk));
  return ArrayBuffer.isView(chunk)
    ? new Uint8Array(chunk.buffer.slice(chunk.byteOffset, chunk.byteOffset + chunk.byteLength))
    : chunk;
}

function readable_to_web(stream, { finished, Buffer, strategy }) {
  const object_mode = stream.readableObjectMode;
  let cancelled = false;
  let stop;
  return new ReadableStream({
    start(controller) {
      stream.pause();
      stop = finished(stream, { writable: false }, (error) => {
        if (cancelled) return;
        if (error) return controller.error(error);
        controller.close();
      });
      stream.on("data", (chunk) => {
        if (cancelled) return;
        controller.enqueue(object_mode ? chunk : to_bytes(chunk, Buffer));
        if (controller.desiredSize <= 0) stream.pause();
      });
    },
    pull() {
      stream.resume();
    },
    cancel(reason) {
      cancelled = true;
      stop?.();
      stream.on("error", () => {});
      stream.destroy(reason);
    },
  },
    strategy ??
      (object_mode
          ? new CountQueuingStrategy({ highWaterMark : stream.readableHighWaterMark })
          : new ByteLengthQueuingStrategy({ highWaterMark : stream.readableHighWaterMark || 1 })));
}

function readable_from_web(web, { Readable, Buffer, options = {} }) {
  const reader = web.getReader();
  let ended = false;
  const { objectMode = false, encoding, highWaterMark, signal } = options;
  const readable = new Readable({
    objectMode, highWaterMark, encoding, signal,
    read() {
      reader.read().then(({ value, done }) => {
        if (done) {
          ended = true;
          return readable.push(null);
        }
        readable.push(objectMode || typeof value === "string" || Buffer.isBuffer(value) ? value
          : Buffer.from(value.buffer ?? value, value.byteOffset, value.byteLength));
      }, (error) => {
        ended = true;
        readable.destroy(error);
      });
    },
    destroy(error, done) {
      if (ended) return done(error);
      reader.cancel(error ?? undefined).then(() => done(error), () => done(error));
    },
  });
  reader.closed.then(() => {
    ended = true;
  }, (error) => {
    ended = true;
    if (!readable.destroyed && !readable.readableEnded) readable.destroy(error);
  });
  return readable;
}

function writable_to_web(stream, { finished }) {
  let drained = null;
  const settle = (error) => {
    const waiting = drained;
    drained = null;
    if (error) waiting?.reject(error);
    else waiting?.resolve();
  };
  return new WritableStream({
    start(controller) {
      stream.on("drain", () => settle());
      finished(stream, { readable: false }, (error) => {
        if (error) controller.error(error);
        settle(error);
      });
      stream.on("error", () => {});
    },
    write(chunk) {
      if (stream.write(chunk) || stream.writableNeedDrain === false)
        return undefined;
      drained = Promise.withResolvers();
      return drained.promise;
    },
    close() {
      return new Promise(
        (resolve, reject) => stream.end((error) => (error ? reject(error) : resolve())));
    },
    abort(reason) {
      stream.destroy(reason);
    },
  },
    {
      highWaterMark: stream.writableHighWaterMark || 1,
      size: stream.writableObjectMode ? () => 1
                                       : (chunk) => chunk?.byteLength ?? chunk?.length ?? 1
    });
}

function writable_from_web(web, { Writable, Buffer, options = {} }) {
  const writer = web.getWriter();
  const { objectMode = false, decodeStrings = true, highWaterMark, signal } = options;
  const then = (promise, done) =>
    promise.then(() => done(), (error) => done(error ?? new Error("aborted")));
  const writable = new Writable({
    objectMode,
    decodeStrings,
    highWaterMark,
    signal,
    write(chunk, encoding, done) {
      const value = typeof chunk === "string" && !objectMode && decodeStrings
        ? Buffer.from(chunk, encoding)
        : chunk;
      then(writer.ready.then(
             () => writer.write(Buffer.isBuffer(value) ? new Uint8Array(value) : value)),
        done);
    },
    final(done) {
      then(writer.close(), done);
    },
    destroy(error, done) {
      if (error === null || error === undefined)
        return done(error);
      writer.abort(error).then(() => done(error), () => done(error));
    },
  });
  writer.closed.catch((error) => writable.destroy(error));
  return writable;
}

export function add_bridges(stream, Buffer) {
  const { Readable, Writable, Duplex, finished } = stream;
  Readable.toWeb = (readable, options = {}) =>
    readable_to_web(readable, { finished, Buffer, strategy: options?.strategy });
  Readable.fromWeb = (web, options) => readable_from_web(web, { Readable, Buffer, options });
  Writable.toWeb = (writable) => writable_to_web(writable, { finished });
  Writable.fromWeb = (web, options) => writable_from_web(web, { Writable, Buffer, options });
  Duplex.toWeb = (duplex) => ({
    readable: Readable.toWeb(duplex), writable: Writable.toWeb(duplex),
  });
  Duplex.fromWeb = ({ readable, writable }, options) => Duplex.from({
    readable: Readable.fromWeb(readable, options),
    writable: Writable.fromWeb(writable, options)
  });
}
