// node:dns/promises.
import { promises } from "./dns.part.js";

export default promises;
