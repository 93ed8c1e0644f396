// node:path/posix.
import { posix } from "./path.part.js";

export default posix;
