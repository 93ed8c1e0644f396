// util.parseArgs, as the package @pkgjs/parseargs has it.
export { parseArgs } from "@pkgjs/parseargs";
