// The texts that Workers has for what goes wrong around an event: part of the contract, users match
// them.
#pragma once

namespace skep::api {

inline constexpr const char* kGlobalScopeMessage =
    "Disallowed operation called within global scope. Asynchronous I/O (ex: fetch() or connect()), "
    "setting a timeout, and generating random values are not allowed within global scope. To fix "
    "this "
    "error, perform this operation within a handler. "
    "https://developers.cloudflare.com/workers/runtime-apis/handlers/";
inline constexpr const char* kCrossRequestMessage =
    "Cannot perform I/O on behalf of a different request. I/O objects (such as streams, "
    "request/response bodies, and others) created in the context of one request handler cannot be "
    "accessed from a different request's handler. This is a limitation of Cloudflare Workers which "
    "allows us to improve overall performance.";
inline constexpr const char* kContextEndedMessage =
    "Couldn't complete operation because the execution context has ended.";
// Of skep's own: a request's head is made into objects when it is first read, which is cheaper than
// keeping it for those who look at it when the request is over.
inline constexpr const char* kHeadUnreadMessage =
    "The headers and cf of this request were not read while it was handled, and are gone now. "
    "Where they are needed after it, read them in its handler, for example by "
    "`new Request(request)`.";
inline constexpr const char* kHungMessage =
    "The Workers runtime canceled this request because it detected that your Worker's code had "
    "hung "
    "and would never generate a response. Refer to: "
    "https://developers.cloudflare.com/workers/observability/errors/";
inline constexpr const char* kBodyAfterResponseMessage =
    "Can't read from request stream after response has been sent.";
inline constexpr const char* kExceededCpu = "Worker exceeded CPU time limit.";
inline constexpr const char* kExceededMemory = "Worker exceeded memory limit.";
inline constexpr const char* kTooDeepMessage =
    "Subrequest depth limit exceeded. This request recursed through Workers too many times. This "
    "can happen e.g. if you have a Worker that calls other Workers recursively.";
inline constexpr const char* kConnectionLost = "Network connection lost.";

}  // namespace skep::api
