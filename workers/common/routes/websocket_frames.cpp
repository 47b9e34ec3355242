#include "workers/common/routes/websocket_frames.h"

namespace {

constexpr int against_the_protocol = 1002;
constexpr int too_large = 1009;
constexpr size_t largest_control = 125;
constexpr size_t longest_reason = 123;
constexpr size_t mask_size = 4;
constexpr unsigned continuation = 0;

bool is_control(unsigned opcode) {
    return opcode >= 8;
}

bool is_known(unsigned opcode) {
    return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

}  // namespace

std::optional<WebSocketFrames::Head> WebSocketFrames::read_head() {
    const std::string_view unread = rest();
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(unread[at]); };
    if (unread.size() < 2) return {};
    Head head;
    head.is_final = byte(0) & 0x80;
    head.opcode = byte(0) & 0x0f;
    head.size = byte(1) & 0x7f;
    const bool is_masked = byte(1) & 0x80;
    if ((byte(0) & 0x70) || !is_masked || !is_known(head.opcode)) {
        refusal_ = against_the_protocol;
        return {};
    }
    const size_t more = head.size == 126 ? 2 : head.size == 127 ? 8 : 0;
    head.head_size = 2 + more + mask_size;
    if (unread.size() < 2 + more) return {};
    if (more > 0) head.size = 0;
    for (size_t at = 0; at < more; ++at) head.size = head.size << 8 | byte(2 + at);
    if ((more == 2 && head.size < 126) || (more == 8 && head.size < 65536))
        refusal_ = against_the_protocol;
    else
        refusal_ = refusal_of(head);
    if (refusal_ != 0 || unread.size() < head.head_size) return {};
    return head;
}

int WebSocketFrames::refusal_of(const Head& head) const {
    if (is_control(head.opcode))
        return head.is_final && head.size <= largest_control ? 0 : against_the_protocol;
    if ((head.opcode == continuation) != (begun_ != 0)) return against_the_protocol;
    return head.size > largest_ - message_.size() ? too_large : 0;
}

std::optional<WebSocketFrame> WebSocketFrames::next() {
    while (refusal_ == 0) {
        const std::optional<Head> head = read_head();
        if (!head || rest().size() - head->head_size < head->size) return {};
        if (auto frame = take(*head)) return frame;
    }
    return {};
}

// Of the first frame, which is all there; nothing when it is not the last of its message.
std::optional<WebSocketFrame> WebSocketFrames::take(const Head& head) {
    const auto size = static_cast<size_t>(head.size);
    const std::string_view mask = rest().substr(head.head_size - mask_size, mask_size);
    std::string bytes(rest().substr(head.head_size, size));
    for (size_t at = 0; at < size; ++at)
        bytes[at] = static_cast<char>(bytes[at] ^ mask[at % mask_size]);
    taken_ += head.head_size + size;
    if (is_control(head.opcode))
        return WebSocketFrame{static_cast<WebSocketFrame::Kind>(head.opcode), std::move(bytes)};
    if (head.opcode != continuation) begun_ = head.opcode;
    message_ += bytes;
    if (!head.is_final) return {};
    WebSocketFrame message{static_cast<WebSocketFrame::Kind>(begun_), std::move(message_)};
    begun_ = 0;
    message_.clear();
    return message;
}

std::string websocket_frame(WebSocketFrame::Kind kind, std::string_view bytes) {
    std::string frame(1, static_cast<char>(0x80 | static_cast<unsigned>(kind)));
    const uint64_t size = bytes.size();
    const int more = size < 126 ? 0 : size < 65536 ? 2 : 8;
    frame += static_cast<char>(more == 0 ? size : more == 2 ? 126 : 127);
    for (int shift = 8 * (more - 1); shift >= 0; shift -= 8)
        frame += static_cast<char>(size >> shift);
    return frame.append(bytes);
}

std::string websocket_close(int code, std::string_view reason) {
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    return payload.append(reason.substr(0, longest_reason));
}
