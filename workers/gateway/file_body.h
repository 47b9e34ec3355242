// The content of a file as the body of an answer, read as it is sent: a client that takes it slowly
// costs one piece, however large the file.
#pragma once

#include <string>

#include "workers/common/base/fd.h"
#include "workers/gateway/http_reply.h"

namespace gateway {

class FileBody final : public BodySource {
  public:
    static constexpr size_t piece_bytes = 16 * 1024;

    // `size` bytes are promised to the client.
    FileBody(Fd file, uint64_t size) : file_(std::move(file)), left_(size) {}

    uint64_t size() const { return left_; }
    std::string next() override;
    bool has_ended() const override { return left_ == 0 || is_cut_; }

  private:
    Fd file_;
    uint64_t left_;
    bool is_cut_ = false;  // shorter by now than it was
};

}  // namespace gateway
