#include "workers/gateway/file_body.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace gateway {

std::string FileBody::next() {
    if (has_ended()) return {};
    std::string piece(std::min<uint64_t>(left_, piece_bytes), '\0');
    ssize_t got;
    do {
        got = ::read(file_.get(), piece.data(), piece.size());
    } while (got < 0 && errno == EINTR);
    piece.resize(got > 0 ? static_cast<size_t>(got) : 0);
    left_ -= piece.size();
    is_cut_ = piece.empty();
    return piece;
}

}  // namespace gateway
