// node:path/win32.
import { win32 } from "./path.part.js";

export default win32;
