#include "workers/gateway/client.h"

#include "workers/gateway/device_identity.h"

namespace gateway {

OutFrame::OutFrame(std::initializer_list<std::string_view> parts) {
    size_t size = before_text;
    for (const std::string_view part : parts) size += part.size();
    bytes_.reserve(size);
    bytes_.append(before_text, '\0');
    for (const std::string_view part : parts) bytes_ += part;
}

unsigned char* OutFrame::behind(std::string_view head) {
    const size_t at = before_text - head.size();
    bytes_.replace(at, head.size(), head);
    return reinterpret_cast<unsigned char*>(bytes_.data()) + at;
}

SharedFrame response_frame(std::string_view request_id, std::string_view payload_json) {
    return std::make_shared<OutFrame>(std::initializer_list<std::string_view>{
        response_head(request_id), payload_json.empty() ? "" : R"(,"payload":)", payload_json,
        "}"});
}

SharedFrame response_rest(std::string_view payload_json) {
    return std::make_shared<OutFrame>(std::initializer_list<std::string_view>{
        payload_json.empty() ? "" : R"(,"payload":)", payload_json, "}"});
}

Client::Client(uint64_t id, RequestHeaders headers, RequestSource source,
               std::function<void()> wake)
    : id_(id),
      connection_id_(random_uuid()),
      nonce_(std::make_unique<std::string>(random_uuid())),
      headers_(std::make_unique<RequestHeaders>(std::move(headers))),
      source_(std::move(source)),
      wake_(std::move(wake)) {}

void Client::admit(Admission admission) {
    // The credential has done its work.
    admission.params.token = {};
    admission.params.password = {};
    admission.params.device.reset();
    nonce_.reset();
    headers_.reset();
    admission_ = std::make_unique<Admission>(std::move(admission));
}

std::string Client::presence_key() const {
    // One command, one connection: not worth a line in the list.
    if (!admission_ || admission_->params.client_mode == "cli") return {};
    if (!admission_->device_id.empty()) return admission_->device_id;
    if (!admission_->params.instance_id.empty()) return admission_->params.instance_id;
    return connection_id_;
}

void Client::push(Outgoing out, bool is_event) {
    if (is_closing()) return;
    const size_t size = out.size();
    if (unsent() + size > most_unsent) return drop(close_policy, "slow consumer");
    queued_.all += size;
    if (is_event) queued_.events += size;
    queue_.push_back({std::move(out), is_event});
    wake_();
}

void Client::send(SharedFrame frame) {
    push({std::move(frame), {}}, false);
}

void Client::send_response(std::string_view request_id, const SharedFrame& rest) {
    std::string head = response_head(request_id);
    if (head.size() <= OutFrame::longest_head) return push({rest, std::move(head)}, false);
    send(std::make_shared<OutFrame>(std::initializer_list<std::string_view>{head, rest->text()}));
}

void Client::send_event(SharedFrame frame) {
    push({std::move(frame), {}}, true);
}

void Client::close(int code, std::string_view reason) {
    if (is_closing()) return;
    close_code_ = code;
    close_reason_ = cut_text(reason, longest_close_reason);
    wake_();
}

void Client::drop(int code, std::string_view reason) {
    queue_.clear();
    queued_ = {};
    close(code, reason);
}

Outgoing Client::take_frame() {
    if (queue_.empty()) return {};
    Waiting next = std::move(queue_.front());
    queue_.pop_front();
    const size_t size = next.out.size();
    in_flight_.all += size;
    if (next.is_event) in_flight_.events += size;
    queued_.all -= size;
    if (next.is_event) queued_.events -= size;
    return std::move(next.out);
}

}  // namespace gateway
