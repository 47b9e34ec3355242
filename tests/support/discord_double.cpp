#include "tests/support/discord_double.h"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "tests/support/discord_double_parts.h"

using discord_double::close_frame;
using discord_double::frame;
using discord_double::text_frames;

namespace {

using Json = DiscordDouble::Json;

constexpr size_t most_replayed = 5'000;
constexpr std::chrono::milliseconds turn{5};
constexpr const char* api = "/api/v10";

}  // namespace

DiscordDouble::DiscordDouble(Options options)
    : options_(options), identifies_left_(options.identify_total) {
    server_ = std::make_unique<TlsServer>([this](TlsStream& stream, uint64_t) { serve(stream); },
                                          options.port);
    if (!options.has_resume_port) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    resume_port_ = server_->open_another_port();
}

DiscordDouble::~DiscordDouble() {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        stopped_ = true;
        black_hole_ = false;
    }
    changed_.notify_all();
    server_.reset();
}

void DiscordDouble::serve(TlsStream& stream) {
    std::string head, body;
    while (discord_double::read_request(stream, head, body)) {
        Request request;
        std::istringstream lines(head);
        std::string line, target, version;
        lines >> request.seen.method >> target >> version;
        std::getline(lines, line);
        while (std::getline(lines, line) && line != "\r") {
            const size_t colon = line.find(':');
            std::string name = line.substr(0, colon);
            std::transform(name.begin(), name.end(), name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            std::string value = line.substr(colon + 1);
            value.erase(0, value.find_first_not_of(' '));
            while (!value.empty() && (value.back() == '\r' || value.back() == ' '))
                value.pop_back();
            request.seen.headers[name] = value;
        }
        const size_t question = target.find('?');
        request.seen.path = target.substr(0, question);
        if (question != std::string::npos) request.seen.query = target.substr(question + 1);
        request.is_upgrade = request.seen.headers.count("upgrade") > 0;
        if (request.is_upgrade) return serve_gateway(stream, request);
        const std::string type = request.seen.headers["content-type"];
        if (type.rfind("multipart/form-data", 0) == 0) {
            std::map<std::string, std::string> fields;
            discord_double::read_multipart(body, type, fields, request.seen.files);
            request.seen.body = Json::parse(fields["payload_json"], nullptr, false);
        } else if (!body.empty()) {
            request.seen.body = Json::parse(body, nullptr, false);
        }
        if (!serve_request(stream, request)) return;
    }
}

bool DiscordDouble::serve_request(TlsStream& stream, const Request& asked) {
    Request request = asked;
    Response response;
    bool cuts = false, is_silent = false, in_chunks = false;
    {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return !black_hole_ || stopped_; });
        if (stopped_) return false;
        in_chunks = chunk_;
        const std::string file = "/files/";
        if (request.seen.path.rfind(file, 0) == 0) {
            const auto found = files_.find(request.seen.path.substr(file.size()));
            response.status = found == files_.end() ? 404 : 200;
            response.content_type = "application/octet-stream";
            if (found != files_.end()) response.raw = found->second;
            seen_.push_back(request.seen);
        } else {
            if (request.seen.path.rfind(api, 0) == 0) request.seen.path.erase(0, std::strlen(api));
            seen_.push_back(request.seen);
            const auto fault = std::find_if(faults_.begin(), faults_.end(), [&](const Fault& each) {
                return (each.method.empty() || each.method == request.seen.method) &&
                       request.seen.path.rfind(each.path_begins, 0) == 0;
            });
            if (fault == faults_.end()) {
                response = route(request);
            } else {
                if (fault->acts) (void)route(request);
                response = {fault->status, fault->body, "application/json", {}, fault->headers};
                if (fault->status == 429) ++limited_;
                cuts = fault->cuts;
                is_silent = fault->is_silent;
                if (--fault->times == 0) faults_.erase(fault);
            }
        }
    }
    changed_.notify_all();
    if (cuts) {
        stream.reset();
        return false;
    }
    if (is_silent) {
        while (!stream.read().empty() || stream.timed_out()) {
        }
        return false;
    }
    std::string body = response.raw;
    if (body.empty() && !response.body.is_null()) body = response.body.dump();
    std::string text = "HTTP/1.1 " + std::to_string(response.status) + " X\r\n";
    for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
    if (in_chunks) body = discord_double::chunked(body);
    const std::string framing =
        in_chunks ? "Transfer-Encoding: chunked" : "Content-Length: " + std::to_string(body.size());
    if (response.status != 204)
        text += "Content-Type: " + response.content_type + "\r\n" + framing + "\r\n";
    text += "\r\n";
    if (response.status != 204) text += body;
    return stream.write(text);
}

void DiscordDouble::serve_gateway(TlsStream& stream, const Request& request) {
    stream.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        discord_double::websocket_accept(request.seen.headers.at("sec-websocket-key")) +
        "\r\n\r\n");
    Gateway gateway;
    gateway.stream = &stream;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        gateways_.push_back(&gateway);
        ++gateway_connections_;
        if (!withhold_hello_)
            send_to(gateway, {{"op", 10},
                              {"d", {{"heartbeat_interval", options_.heartbeat_ms}}},
                              {"s", nullptr},
                              {"t", nullptr}});
    }
    std::string incoming;
    for (bool is_open = true; is_open;) {
        std::deque<std::string> frames;
        bool is_over = false, breaks = false, silent = false;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            silent = black_hole_;
            if (!silent) {
                frames.swap(gateway.outgoing);
                is_over = gateway.is_over;
                breaks = gateway.breaks;
            }
            if (stopped_) break;
        }
        if (silent) {
            std::this_thread::sleep_for(turn);
            continue;
        }
        for (const std::string& bytes : frames) {
            if (breaks) {
                stream.write(bytes.substr(0, bytes.size() / 2));
                stream.reset();
                is_open = false;
                break;
            }
            if (!stream.write(bytes)) is_open = false;
        }
        if (is_over && !breaks) {
            // The peer's close, or a while.
            stream.read(65536, std::chrono::milliseconds(200));
            break;
        }
        if (!is_open) break;
        const std::string more = stream.read_unless_woken(turn);
        if (more.empty() && !stream.timed_out()) break;
        incoming += more;
        for (std::string text; is_open;) {
            const int opcode = discord_double::take_masked_frame(incoming, text);
            if (opcode < 0) break;
            if (opcode == 8) {
                const std::lock_guard<std::mutex> lock(mutex_);
                if (text.size() >= 2)
                    close_codes_.push_back(static_cast<unsigned char>(text[0]) << 8 |
                                           static_cast<unsigned char>(text[1]));
                // As Discord does: these two end the session.
                const int code = close_codes_.empty() ? 0 : close_codes_.back();
                if (code == 1000 || code == 1001) sessions_.erase(gateway.session);
                stream.write(frame(8, text.substr(0, 2)));
                is_open = false;
            }
            if (opcode == 9) stream.write(frame(10, text));
            if (opcode == 1) is_open = take_frame(gateway, text);
        }
    }
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        std::erase(gateways_, &gateway);
    }
    changed_.notify_all();
}

void DiscordDouble::send_to(Gateway& gateway, const Json& payload) {
    gateway.queue(frame(1, payload.dump()));
}

bool DiscordDouble::take_frame(Gateway& gateway, const std::string& text) {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const Json payload = Json::parse(text, nullptr, false);
        const int opcode = payload.is_object() ? payload.value("op", -1) : -1;
        switch (opcode) {
            case 1:
                if (!withhold_acks_) send_to(gateway, {{"op", 11}, {"d", nullptr}});
                break;
            case 2:
                identify(gateway, payload.at("d"));
                break;
            case 6:
                resume(gateway, payload.at("d"));
                break;
            case 3:
            case 4:
            case 8:
                break;
            default:
                gateway.queue(close_frame(opcode < 0 ? 4002 : 4001, ""));
                gateway.is_over = true;
        }
    }
    changed_.notify_all();
    return true;
}

void DiscordDouble::identify(Gateway& gateway, const Json& data) {
    ++identifies_;
    --identifies_left_;
    last_identify_ = data;
    int code = refuse_identify_;
    const std::string bot = bot_of_token(data.value("token", std::string()));
    if (bot.empty()) code = 4004;
    if (!gateway.session.empty()) code = 4005;
    if (code) {
        gateway.queue(close_frame(code, "refused"));
        gateway.is_over = true;
        return;
    }
    const std::string id = "session-" + world_.next_id();
    gateway.session = id;
    Session& session = sessions_[id];
    session.id = id;
    session.bot = bot;
    if (withhold_ready_) return;
    push(session, "READY",
         {{"v", 10},
          {"user", world_.user(bot)},
          {"guilds", {{{"id", World::guild}, {"unavailable", true}}}},
          {"session_id", id},
          {"resume_gateway_url",
           "wss://" +
               (resume_port_ ? "localhost:" + std::to_string(resume_port_) : server_->authority())},
          {"session_type", "normal"},
          {"shard", {0, 1}},
          {"private_channels", Json::array()},
          {"relationships", Json::array()},
          {"application", {{"id", bot}, {"flags", world_.application_flags}}}});
    push(session, "GUILD_CREATE", world_.guild_create(bot));
}

void DiscordDouble::resume(Gateway& gateway, const Json& data) {
    ++resumes_;
    const std::string id = data.value("session_id", std::string());
    last_resume_sequence_ = data.value("seq", uint64_t{0});
    if (bot_of_token(data.value("token", std::string())).empty()) {
        gateway.queue(close_frame(4004, "Authentication failed."));
        gateway.is_over = true;
        return;
    }
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return send_to(gateway, {{"op", 9}, {"d", false}});
    Session& session = found->second;
    if (last_resume_sequence_ > session.sequence) {
        gateway.queue(close_frame(4007, "Invalid seq."));
        gateway.is_over = true;
        return;
    }
    // The session moves; an earlier connection hears no more.
    for (Gateway* each : gateways_)
        if (each != &gateway && each->session == id) each->session.clear();
    gateway.session = id;
    for (const auto& [number, text] : session.events)
        if (number > last_resume_sequence_) gateway.queue(text_frames(text, fragment_));
    push(session, "RESUMED", Json::object());
}

void DiscordDouble::push(Session& session, const std::string& type, const Json& data) {
    const uint64_t number = ++session.sequence;
    const std::string text = Json{{"op", 0}, {"t", type}, {"s", number}, {"d", data}}.dump();
    session.events.emplace_back(number, text);
    if (session.events.size() > most_replayed) session.events.pop_front();
    const bool is_life = type != "READY" && type != "RESUMED";
    for (Gateway* each : gateways_) {
        if (each->session != session.id) continue;
        if (swap_ && is_life && held_back_.empty()) {
            held_back_ = text;
            return;
        }
        each->queue(text_frames(text, fragment_));
        if (twice_ && is_life) each->queue(text_frames(text, fragment_));
        if (!held_back_.empty() && is_life)
            each->queue(text_frames(std::exchange(held_back_, {}), fragment_));
    }
}

void DiscordDouble::dispatch_locked(const std::string& type, const Json& data) {
    const std::string only =
        world_.bot_of_chat(data.is_object() ? data.value("channel_id", std::string()) : "");
    for (auto& [id, session] : sessions_)
        if (only.empty() || session.bot == only) push(session, type, data);
}

std::string DiscordDouble::bot_of_token(const std::string& its_token) const {
    const auto found = bots_.find(its_token);
    return found == bots_.end() ? std::string() : found->second;
}

void DiscordDouble::add_bot(const std::string& id, const std::string& its_token) {
    const std::lock_guard<std::mutex> lock(mutex_);
    world_.add_bot(id, "bot-" + id);
    bots_[its_token] = id;
}

void DiscordDouble::dispatch(const std::string& type, const Json& data) {
    const std::lock_guard<std::mutex> lock(mutex_);
    dispatch_locked(type, data);
}

std::string DiscordDouble::say(const std::string& channel_id, const std::string& author_id,
                               const std::string& text, Json more) {
    const std::lock_guard<std::mutex> lock(mutex_);
    more["content"] = text;
    Json message = world_.write(channel_id, author_id, more);
    if (more.contains("override")) message.update(more["override"]);
    dispatch_locked("MESSAGE_CREATE", world_.as_event(message));
    return message["id"];
}

std::string DiscordDouble::direct_chat(const std::string& user_id, const std::string& bot) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return world_.direct_chat(user_id, bot)["id"];
}

std::string DiscordDouble::open_thread(const std::string& parent, const std::string& name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return world_.open_thread(parent, world_.next_id(), name, World::ann)["id"];
}

std::string DiscordDouble::add_channel(const std::string& name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const Json channel = world_.add_channel(name);
    dispatch_locked("CHANNEL_CREATE", channel);
    return channel["id"];
}

std::string DiscordDouble::react(const std::string& channel_id, const std::string& message_id,
                                 const std::string& user_id, const std::string& emoji) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const Json* message = world_.find(channel_id, message_id);
    Json member = world_.member_of(user_id);
    member["user"] = world_.user(user_id);
    dispatch_locked("MESSAGE_REACTION_ADD",
                    {{"user_id", user_id},
                     {"channel_id", channel_id},
                     {"message_id", message_id},
                     {"guild_id", World::guild},
                     {"message_author_id", message ? (*message)["author"]["id"] : Json("0")},
                     {"member", member},
                     {"emoji", {{"id", nullptr}, {"name", emoji}}},
                     {"burst", false},
                     {"type", 0}});
    return message_id;
}

std::string DiscordDouble::command(const std::string& channel_id, const std::string& user_id,
                                   const std::string& name, const std::string& text) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::string id = world_.next_id();
    const std::string interaction_token = "interaction-token-" + id;
    interactions_[interaction_token] = channel_id;
    const Json channel = world_.channel(channel_id);
    Json data = {{"id", id},
                 {"application_id", World::application},
                 {"type", 2},
                 {"token", interaction_token},
                 {"version", 1},
                 {"channel_id", channel_id},
                 {"channel", channel},
                 {"data", {{"id", "1"}, {"name", name}, {"type", 1}, {"options", Json::array()}}}};
    if (!text.empty())
        data["data"]["options"].push_back({{"name", "text"}, {"type", 3}, {"value", text}});
    if (channel.contains("guild_id")) {
        data["guild_id"] = World::guild;
        data["member"] = world_.member_of(user_id);
        data["member"]["user"] = world_.user(user_id);
    } else {
        data["user"] = world_.user(user_id);
    }
    dispatch_locked("INTERACTION_CREATE", data);
    return id;
}

std::string DiscordDouble::host_file(const std::string& name, const std::string& content) {
    const std::lock_guard<std::mutex> lock(mutex_);
    files_[name] = content;
    return "https://" + server_->authority() + "/files/" + name;
}

void DiscordDouble::fail_next(Fault fault) {
    const std::lock_guard<std::mutex> lock(mutex_);
    faults_.push_back(std::move(fault));
}

void DiscordDouble::revoke_token(const std::string& bot) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::erase_if(bots_, [&](const auto& each) { return each.second == bot; });
}

#define HARDSHELL_SWITCH(name, member)                      \
    void DiscordDouble::name(bool on) {                     \
        {                                                   \
            const std::lock_guard<std::mutex> lock(mutex_); \
            member = on;                                    \
        }                                                   \
        changed_.notify_all();                              \
    }
HARDSHELL_SWITCH(withhold_hello, withhold_hello_)
HARDSHELL_SWITCH(withhold_acks, withhold_acks_)
HARDSHELL_SWITCH(withhold_ready, withhold_ready_)
HARDSHELL_SWITCH(dispatch_twice, twice_)
HARDSHELL_SWITCH(swap_events, swap_)
HARDSHELL_SWITCH(chunk_answers, chunk_)
HARDSHELL_SWITCH(black_hole, black_hole_)
#undef HARDSHELL_SWITCH

void DiscordDouble::fragment_events(size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    fragment_ = bytes;
}

void DiscordDouble::close_gateway(int code, const std::string& reason) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool ends_session = code == 4007 || code == 4009;
    for (Gateway* each : gateways_) {
        if (ends_session) sessions_.erase(each->session);
        each->queue(close_frame(code, reason));
        each->is_over = true;
    }
}

void DiscordDouble::ask_to_reconnect() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Gateway* each : gateways_) send_to(*each, {{"op", 7}, {"d", nullptr}});
}

void DiscordDouble::invalidate_session(bool can_resume) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!can_resume) sessions_.clear();
    for (Gateway* each : gateways_) send_to(*each, {{"op", 9}, {"d", can_resume}});
}

void DiscordDouble::forget_sessions() {
    const std::lock_guard<std::mutex> lock(mutex_);
    sessions_.clear();
}

void DiscordDouble::refuse_identify(int code) {
    const std::lock_guard<std::mutex> lock(mutex_);
    refuse_identify_ = code;
}

void DiscordDouble::break_in_a_frame() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Gateway* each : gateways_) {
        each->breaks = true;
        send_to(*each, {{"op", 11}, {"d", nullptr}});
    }
}

void DiscordDouble::refuse_connections(bool refuse) {
    server_->refuse_connections(refuse);
}

void DiscordDouble::cut_all() {
    server_->cut_all();
}

void DiscordDouble::set_identifies_left(int count) {
    const std::lock_guard<std::mutex> lock(mutex_);
    identifies_left_ = count;
}

std::vector<DiscordDouble::Seen> DiscordDouble::requests() const {
    return requests_to({}, {});
}

std::vector<DiscordDouble::Seen> DiscordDouble::requests_to(const std::string& method,
                                                            const std::string& begins) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Seen> found;
    for (const Seen& each : seen_)
        if ((method.empty() || each.method == method) && each.path.rfind(begins, 0) == 0)
            found.push_back(each);
    return found;
}

std::vector<std::string> DiscordDouble::written(const std::string& channel_id,
                                                const std::string& bot) const {
    std::vector<std::string> texts;
    for (const Json& message : messages(channel_id))
        if (message["author"]["id"] == bot) texts.push_back(message["content"]);
    return texts;
}

std::vector<Json> DiscordDouble::messages(const std::string& channel_id) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Json> all = world_.messages(channel_id);
    std::reverse(all.begin(), all.end());
    return all;
}

#define HARDSHELL_COUNT(type, name, value)              \
    type DiscordDouble::name() const {                  \
        const std::lock_guard<std::mutex> lock(mutex_); \
        return value;                                   \
    }
HARDSHELL_COUNT(int, identifies, identifies_)
HARDSHELL_COUNT(int, resumes, resumes_)
HARDSHELL_COUNT(int, gateway_connections, gateway_connections_)
HARDSHELL_COUNT(int, open_gateways, static_cast<int>(gateways_.size()))
HARDSHELL_COUNT(int, limited, limited_)
HARDSHELL_COUNT(size_t, posts, posts_)
HARDSHELL_COUNT(std::vector<int>, close_codes, close_codes_)
HARDSHELL_COUNT(uint64_t, last_resume_sequence, last_resume_sequence_)
HARDSHELL_COUNT(Json, last_identify, last_identify_)
#undef HARDSHELL_COUNT

std::set<std::string> DiscordDouble::reactions(const std::string& message_id) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = reactions_.find(message_id);
    return found == reactions_.end() ? std::set<std::string>() : found->second;
}

bool DiscordDouble::wait(const std::function<bool()>& until, std::chrono::milliseconds at_most) {
    const auto deadline = std::chrono::steady_clock::now() + at_most;
    while (!until()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(turn);
    }
    return true;
}
