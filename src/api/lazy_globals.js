// The globals that live in parts of their own: few workers use them.
import { expose_lazy } from "./parts/parts.js";

const globals = [
  "CompressionStream", "compression/compression",
  "DecompressionStream", "compression/compression",
  "URLPattern", "urlpattern/urlpattern",
];
for (let i = 0; i < globals.length; i += 2) expose_lazy(globals[i], globals[i + 1]);
