#include "workers/gateway/page_desk.h"

#include <sodium.h>

#include "workers/common/base/clock.h"
#include "workers/common/base/file_beneath.h"
#include "workers/common/log.h"
#include "workers/gateway/file_body.h"
#include "workers/gateway/page_files.h"

namespace gateway {

namespace {

constexpr std::string_view index_name = "index.html";
constexpr std::string_view other_type = "application/octet-stream";
// A picture is shown, and never run: SVG may hold scripts.
constexpr const char* picture_policy =
    "\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; sandbox";

HttpAnswer not_found() {
    return text_answer(404, "Not Found");
}

std::string_view type_of(const std::string& name) {
    const std::string_view type = content_type_of(name);
    return type.empty() ? other_type : type;
}

std::optional<std::string> decoded(const std::string& base64) {
    std::string bytes(base64.size() / 4 * 3 + 3, '\0');
    size_t size = 0;
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(),
                          base64.data(), base64.size(), nullptr, &size, nullptr,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return {};
    bytes.resize(size);
    return bytes;
}

// A picture on its way to a client; its seat is free again once it is taken, or nobody takes it.
class Picture final : public BodySource {
  public:
    Picture(std::string bytes, std::shared_ptr<void> seat)
        : bytes_(std::move(bytes)), seat_(std::move(seat)) {}
    std::string next() override {
        const std::string piece = bytes_.substr(taken_, FileBody::piece_bytes);
        taken_ += piece.size();
        return piece;
    }
    bool has_ended() const override { return taken_ == bytes_.size(); }

  private:
    std::string bytes_;
    size_t taken_ = 0;
    std::shared_ptr<void> seat_;  // shared with the question to the agent
};

void send_picture(const Json& answer, std::shared_ptr<void> seat, HttpReply& reply) {
    std::optional<std::string> bytes = decoded(text_member(answer, "content"));
    if (!bytes || bytes->empty()) return reply.answer(not_found());
    const std::string type = text_member(answer, "mimeType", other_type);
    HttpAnswer head = head_answer(200, type, bytes->size(), picture_policy);
    reply.send(std::move(head), std::make_shared<Picture>(std::move(*bytes), std::move(seat)));
}

}  // namespace

PageDesk::PageDesk(const GatewaySettings& settings, AgentGate& agent,
                   std::span<const PageFile> built_in)
    : settings_(settings), agent_(agent), built_in_(built_in) {
    globals_.base_path = settings.page_base_path;
    if (!settings.page_enabled || build() == UiBuild::built_in) return;
    const Result<std::string> page = page_text();
    if (page)
        log_info("the Control UI is served from {}", settings.page_root);
    else
        log_error(
            "{}: {}; the gateway's user must be able to read the directory and its index.html. "
            "The Control UI is not served until then",
            settings.page_root_source, page.error().what);
}

HttpVerdict PageDesk::receive(const HttpAsk& ask) {
    if (!settings_.page_enabled) return not_found();
    const UiTarget target = ui_target(ask, settings_.page_base_path);
    switch (target.what) {
        case UiTarget::What::redirect:
            return text_answer(302, "", false, "\r\nLocation: " + target.name);
        case UiTarget::What::avatar:
            return avatar(ask, target.name);
        case UiTarget::What::file:
            return file(ask, target);
        case UiTarget::What::nothing:
            break;
    }
    return not_found();
}

HttpVerdict PageDesk::file(const HttpAsk& ask, const UiTarget& target) {
    if (target.name == index_name) return index(ask);
    if (auto found = asset(ask, target.name)) return std::move(*found);
    if (target.may_be_route) return index(ask);
    return not_found();
}

std::optional<HttpVerdict> PageDesk::asset(const HttpAsk& ask, const std::string& name) const {
    const std::string headers = ui_headers(ask.host, {}, build());
    if (build() == UiBuild::owners) return owners_file(name, headers);
    auto found = page_file_answer(built_in_, ask, name, type_of(name), headers);
    if (!found) return {};
    return std::move(*found);
}

// Anybody may ask for it as often as there are connections, so nothing of it is kept here.
std::optional<HttpVerdict> PageDesk::owners_file(const std::string& name,
                                                 const std::string& headers) const {
    Result<FileBeneath> open = open_file_beneath(settings_.page_root, name);
    if (!open || open->size > largest_file) return {};
    const auto body = std::make_shared<FileBody>(std::move(open->file), open->size);
    return HttpLater{nullptr, [body, head = head_answer(200, type_of(name), open->size, headers)](
                                  std::string, SharedReply reply) { reply->send(head, body); }};
}

Result<std::string> PageDesk::page_text() const {
    if (build() == UiBuild::owners)
        return read_file_beneath(settings_.page_root, std::string(index_name), largest_page);
    for (const PageFile& file : built_in_)
        if (file.path == index_name) return std::string(file.content);
    return Error{Fault::bad_message, "no page is built in"};
}

HttpLater PageDesk::index(const HttpAsk& ask) {
    return {nullptr, [this, host = ask.host](std::string, SharedReply reply) {
                with_identity([this, host, reply] {
                    const Result<std::string> html = page_text();
                    reply->answer(html ? index_answer(*html, host) : not_found());
                });
            }};
}

HttpAnswer PageDesk::index_answer(const std::string& html, const std::string& host) const {
    std::string page = with_globals(html, globals_);
    const std::string headers = ui_headers(host, inline_scripts(page), build());
    return made_answer(200, type_of(std::string(index_name)), std::move(page), headers);
}

void PageDesk::with_identity(std::function<void()> then) {
    if (monotonic_ms() - identified_ms_ < identity_ms) return then();
    waiting_.push_back(std::move(then));
    if (waiting_.size() > 1) return;
    ask_agent(Json::object(), [this](const Json& answer) {
        if (answer.is_object()) {
            identified_ms_ = monotonic_ms();
            globals_.assistant_name = text_member(answer, "name", "Assistant");
            const std::string url = avatar_url(answer);
            const std::string shown = text_member(answer, "avatar", "A");
            const bool is_name = shown.find_first_of("./") != std::string::npos;
            globals_.assistant_avatar = !url.empty() ? url : is_name ? "A" : shown;
        }
        std::vector<std::function<void()>> waited;
        waited.swap(waiting_);
        for (const auto& task : waited) task();
    });
}

// Null when there is no agent to ask.
void PageDesk::ask_agent(Json params, std::function<void(const Json& answer)> then) {
    AgentGate::Question question;
    question.method = "internal.avatar";
    question.params_json = print_json(params);
    question.deadline = patience;
    question.waits_for_life = false;
    agent_.ask(std::move(question), [then](const AgentGate::RpcResult& result) {
        const Result<Json> answer =
            result.ok() ? parse_json(result.payload_json()) : Result<Json>(Json());
        then(answer ? *answer : Json());
    });
}

std::string PageDesk::avatar_url(const Json& answer) const {
    if (member(answer, "mimeType").is_string())
        return settings_.page_base_path + "/avatar/" + text_member(answer, "agentId");
    return text_member(answer, "url");
}

HttpLater PageDesk::avatar(const HttpAsk& ask, const std::string& agent) {
    const bool meta = ask.argument("meta") == "1";
    return {nullptr, [this, agent, meta](std::string, SharedReply reply) {
                if (*pictures_ >= most_pictures)
                    return reply->answer(
                        text_answer(503, "Service Unavailable", false, "\r\nRetry-After: 1"));
                ++*pictures_;
                const std::shared_ptr<void> seat(nullptr, [count = pictures_](void*) { --*count; });
                ask_agent({{"agentId", agent}, {"content", !meta}},
                          [this, meta, reply, seat](const Json& answer) {
                              if (!meta) return send_picture(answer, seat, *reply);
                              const std::string url = avatar_url(answer);
                              Json told{{"avatarUrl", nullptr}};
                              if (!url.empty()) told["avatarUrl"] = url;
                              reply->answer(json_answer(200, told));
                          });
            }};
}

}  // namespace gateway
