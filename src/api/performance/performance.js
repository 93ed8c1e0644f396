// The runtime's clock: that of Date.now(), which stands still while code runs.
import { DateNow } from "../base/primordials.js";

export function performance_now() {
  return DateNow();
}
