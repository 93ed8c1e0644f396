// node:_http_common: parts of node:http by their old name.
import { METHODS } from "./http.part.js";

export default { methods: METHODS };
