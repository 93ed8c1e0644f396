// node:assert/strict.
import { strict } from "./assert.part.js";

export default strict;
