// One message a packet, with descriptors, over the socket between desk and launcher.
#pragma once

#include <vector>

#include "workers/common/base/fd.h"

namespace google::protobuf {
class MessageLite;
}

namespace tools {

inline constexpr int largest_packet = 256 << 10;

// False when it could not be sent.
bool send_packet(int socket, const google::protobuf::MessageLite& message,
                 const std::vector<int>& descriptors);

enum class Packet { none, message, end };
// Does not wait. What cannot be read counts as the end.
Packet receive_packet(int socket, google::protobuf::MessageLite& message,
                      std::vector<Fd>& descriptors);

}  // namespace tools
