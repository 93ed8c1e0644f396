// Who listens at a TCP port: for the message when it is not us.
#pragma once

#include <cstdint>
#include <string>

namespace skep::broker {

// "nginx (process 712)"; empty where it can't be found out, which takes the rights of that process.
std::string find_port_owner(uint16_t port);

}  // namespace skep::broker
