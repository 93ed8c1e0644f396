// The globals that live in parts of their own: few workers use them.
import { expose_lazy } from "./parts/parts.js";

const globals = [
  "CompressionStream", "compression/compression",
  "CryptoKey", "crypto/subtle",
  "DecompressionStream", "compression/compression",
  "EventSource", "eventsource/eventsource",
  "HTMLRewriter", "html_rewriter/html_rewriter",
  "MessageChannel", "messaging/messaging",
  "MessagePort", "messaging/messaging",
  "PerformanceEntry", "performance/timeline",
  "PerformanceMark", "performance/timeline",
  "PerformanceMeasure", "performance/timeline",
  "PerformanceObserver", "performance/timeline",
  "PerformanceObserverEntryList", "performance/timeline",
  "SubtleCrypto", "crypto/subtle",
  "URLPattern", "urlpattern/urlpattern",
];
for (let i = 0; i < globals.length; i += 2) expose_lazy(globals[i], globals[i + 1]);
