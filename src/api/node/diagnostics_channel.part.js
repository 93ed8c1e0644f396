// node:diagnostics_channel.
import { coded, invalid_arg_type } from "./lib/errors.js";
import { validate_function } from "./lib/validate.js";

function report(error) {
  queueMicrotask(() => {
    throw error;
  });
}

class Channel {
  _subscribers = [];
  _stores = new Map();

  constructor(name) {
    this.name = name;
  }

  get hasSubscribers() {
    return this._subscribers.length > 0 || this._stores.size > 0;
  }

  subscribe(subscriber) {
    validate_function(subscriber, "subscription");
    this._subscribers = [...this._subscribers, subscriber];
  }

  unsubscribe(subscriber) {
    const at = this._subscribers.indexOf(subscriber);
    if (at < 0) return false;
    this._subscribers = this._subscribers.toSpliced(at, 1);
    return true;
  }

  publish(data) {
    for (const subscriber of this._subscribers) {
      try {
        subscriber(data, this.name);
      } catch (error) {
        report(error);
      }
    }
  }

  bindStore(store, transform) {
    this._stores.set(store, transform);
  }

  unbindStore(store) {
    return this._stores.delete(store);
  }

  runStores(data, fn, self, ...args) {
    let run = () => {
      this.publish(data);
      return Reflect.apply(fn, self, args);
    };
    for (const [store, transform] of this._stores) {
      const inner = run;
      run = () => {
        let value = data;
        if (transform) {
          try {
            value = transform(data);
          } catch (error) {
            report(error);
            return inner();
          }
        }
        return store.run(value, inner);
      };
    }
    return run();
  }
}

const channels = new Map();

function channel(name) {
  if (typeof name !== "string" && typeof name !== "symbol") {
    throw invalid_arg_type("channel", ["string", "symbol"], name);
  }
  let found = channels.get(name);
  if (found === undefined) channels.set(name, found = new Channel(name));
  return found;
}
const hasSubscribers = (name) => channels.get(name)?.hasSubscribers ?? false;
const subscribe = (name, subscriber) => channel(name).subscribe(subscriber);
const unsubscribe = (name, subscriber) => channel(name).unsubscribe(subscriber);

const events = ["start", "end", "asyncStart", "asyncEnd", "error"];

class TracingChannel {
  constructor(names) {
    for (const event of events) {
      this[event] = typeof names === "string" ? channel(`tracing:${names}:${event}`) : names[event];
      if (!(this[event] instanceof Channel)) {
        throw invalid_arg_type(`nameOrChannels.${event}`, "Channel", this[event]);
      }
    }
  }

  get hasSubscribers() {
    return events.some((event) => this[event].hasSubscribers);
  }

  subscribe(handlers) {
    for (const event of events) if (handlers[event]) this[event].subscribe(handlers[event]);
  }

  unsubscribe(handlers) {
    return events.every((event) => !handlers[event] || this[event].unsubscribe(handlers[event]));
  }

  traceSync(fn, context = {}, self, ...args) {
    return this.start.runStores(context, () => {
      try {
        return context.result = Reflect.apply(fn, self, args);
      } catch (error) {
        context.error = error;
        this.error.publish(context);
        throw error;
      } finally {
        this.end.publish(context);
      }
    });
  }

  tracePromise(fn, context = {}, self, ...args) {
    const settled = (key, value) => {
      context[key] = value;
      if (key === "error") this.error.publish(context);
      this.asyncStart.publish(context);
      this.asyncEnd.publish(context);
    };
    return this.start.runStores(context, () => {
      try {
        return Promise.resolve(Reflect.apply(fn, self, args)).then((value) => {
          settled("result", value);
          return value;
        }, (error) => {
          settled("error", error);
          throw error;
        });
      } catch (error) {
        context.error = error;
        this.error.publish(context);
        throw error;
      } finally {
        this.end.publish(context);
      }
    });
  }

  traceCallback(fn, position = -1, context = {}, self, ...args) {
    const callback = args.at(position);
    validate_function(callback, "callback");
    const tracing = this;
    function traced(error, result) {
      if (error) {
        context.error = error;
        tracing.error.publish(context);
      } else {
        context.result = result;
      }
      return tracing.asyncStart.runStores(context, () => {
        try {
          return Reflect.apply(callback, this, arguments);
        } finally {
          tracing.asyncEnd.publish(context);
        }
      });
    }
    args.splice(position, 1, traced);
    return this.start.runStores(context, () => {
      try {
        return Reflect.apply(fn, self, args);
      } catch (error) {
        context.error = error;
        this.error.publish(context);
        throw error;
      } finally {
        this.end.publish(context);
      }
    });
  }
}

function tracingChannel(names) {
  if (typeof names !== "string" && (typeof names !== "object" || names === null)) {
    throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
      "The \"nameOrChannels\" argument must be of type string or an instance of TracingChannel or Object");
  }
  return new TracingChannel(names);
}

export { Channel, channel, hasSubscribers, subscribe, tracingChannel, unsubscribe };
export default { Channel, channel, hasSubscribers, subscribe, tracingChannel, unsubscribe };
