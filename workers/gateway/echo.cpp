#include "workers/gateway/echo.h"

namespace gateway {

Echo::Message Echo::fresh() {
    return {std::string(LWS_PRE, '\0'), false};
}

int Echo::receive(std::string_view part) {
    if (lws_is_first_fragment(wsi_)) {
        incoming_ = fresh();
        incoming_.binary = lws_frame_is_binary(wsi_) != 0;
    }
    const size_t announced = lws_remaining_packet_payload(wsi_);
    if (incoming_.bytes.size() - LWS_PRE + part.size() + announced > largest_message) {
        lws_close_reason(wsi_, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, nullptr, 0);
        return -1;
    }
    incoming_.bytes += part;
    if (announced > 0 || !lws_is_final_fragment(wsi_)) return 0;
    waiting_bytes_ += incoming_.bytes.size();
    waiting_.push_back(std::move(incoming_));
    incoming_ = fresh();
    if (waiting_bytes_ > most_waiting && !paused_) {
        paused_ = true;
        lws_rx_flow_control(wsi_, 0);
    }
    lws_callback_on_writable(wsi_);
    return 0;
}

int Echo::write_some() {
    // Nothing goes out after a close frame; libwebsockets has begun one.
    if (waiting_.empty() || lws_get_close_length(wsi_) > 0) return 0;
    Message message = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= message.bytes.size();
    auto* payload = reinterpret_cast<unsigned char*>(message.bytes.data()) + LWS_PRE;
    const auto kind = message.binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
    if (lws_write(wsi_, payload, message.bytes.size() - LWS_PRE, kind) < 0) return -1;
    if (paused_ && waiting_bytes_ <= most_waiting) {
        paused_ = false;
        lws_rx_flow_control(wsi_, 1);
    }
    if (!waiting_.empty()) lws_callback_on_writable(wsi_);
    return 0;
}

}  // namespace gateway
