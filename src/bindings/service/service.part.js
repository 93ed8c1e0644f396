// What a service binding is in env: a stub of another worker's entrypoint.
import { service_stub } from "../../api/rpc/rpc.part.js";

export function make_binding(index) {
  return service_stub(index);
}
