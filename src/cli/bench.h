// `skep bench http`: loads an HTTP server and reports latencies and CPU time. Stands beside the
// rest of the program: it needs the loop and the HTTP parser, no broker and no shard.
#pragma once

namespace skep::cli {

// argv[0] is the command as the user typed it, for messages. Returns the exit status: 0 after a run
// without a failed request, 1 when requests failed or the server was not there, 2 for bad
// arguments.
int bench_main(int argc, char** argv);

}  // namespace skep::cli
