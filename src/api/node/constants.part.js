// node:constants: the old place of the constants of os, fs and crypto.
import * as crypto from "unenv/node/internal/crypto/constants";
import os from "./lib/os_constants.js";
import { constants as fs } from "./lib/fs_constants.js";

export default { ...os.errno, ...os.signals, ...os.priority, ...fs, ...crypto };
