#include "workers/tools/packets.h"

#include <google/protobuf/message_lite.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace tools {

namespace {

constexpr size_t most_descriptors = 4;

}  // namespace

bool send_packet(int socket, const google::protobuf::MessageLite& message,
                 const std::vector<int>& descriptors) {
    std::string bytes = message.SerializeAsString();
    if (bytes.size() > static_cast<size_t>(largest_packet) || descriptors.size() > most_descriptors)
        return false;
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * most_descriptors)] = {};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (!descriptors.empty()) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
        std::memcpy(CMSG_DATA(rights), descriptors.data(), sizeof(int) * descriptors.size());
    }
    return sendmsg(socket, &header, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

Packet receive_packet(int socket, google::protobuf::MessageLite& message,
                      std::vector<Fd>& descriptors) {
    std::string bytes(largest_packet, '\0');
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * most_descriptors)] = {};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t got = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Packet::none;
    if (got <= 0) return Packet::end;
    for (cmsghdr* rights = CMSG_FIRSTHDR(&header); rights; rights = CMSG_NXTHDR(&header, rights)) {
        if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
        const size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < count; ++index) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(rights) + index * sizeof(int), sizeof descriptor);
            descriptors.emplace_back(descriptor);
        }
    }
    const bool whole = !(header.msg_flags & MSG_TRUNC) &&
                       message.ParseFromArray(bytes.data(), static_cast<int>(got));
    return whole ? Packet::message : Packet::end;
}

}  // namespace tools
