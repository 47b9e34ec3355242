#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "workers/gateway/events_table.h"
#include "workers/gateway/frames.h"
#include "workers/gateway/http_answer.h"
#include "workers/gateway/log_budget.h"
#include "workers/gateway/method_page.h"
#include "workers/gateway/methods_table.h"
#include "workers/gateway/presence.h"
#include "workers/gateway/request_source.h"
#include "workers/gateway/run_ledger.h"
#include "workers/gateway/shape.h"

namespace gateway {
namespace {

using Outcome = FrameReading::Outcome;

TEST(Frames, SaysWhatIsWrongWithARequest) {
    struct Row {
        const char* text;
        Outcome outcome;
        const char* id;
        const char* faults;
    };
    const Row rows[] = {
        {R"({"type":"req","id":"a","method":"m"})", Outcome::request, "a", ""},
        {R"({"type":"req","id":"a","method":"m","params":[1]})", Outcome::request, "a", ""},
        {"[]", Outcome::no_request, "invalid", "must be object"},
        {R"({"type":"req"})", Outcome::no_request, "invalid",
         "must have required property 'id'; must have required property 'method'"},
        {R"({"type":"res","id":"b","method":"m"})", Outcome::no_request, "b",
         "at /type: must be equal to constant"},
        {R"({"type":"req","id":"","method":1,"extra":0})", Outcome::no_request, "invalid",
         "at root: unexpected property 'extra'; at /id: must NOT have fewer than 1 characters; "
         "at /method: must be string"},
        {R"({"type":"req","id":7,"method":"m"})", Outcome::no_request, "invalid",
         "at /id: must be string"},
    };
    for (const Row& row : rows) {
        const FrameReading reading = read_request(row.text);
        EXPECT_EQ(reading.outcome, row.outcome) << row.text;
        EXPECT_EQ(reading.id, row.id) << row.text;
        EXPECT_EQ(reading.faults, row.faults) << row.text;
    }
}

TEST(Frames, SaysWhereATextIsNoJson) {
    for (const char* text : {"", "{", "\"\xff\"", R"({"type":"req","params":1e999})"}) {
        const FrameReading reading = read_request(text);
        EXPECT_EQ(reading.outcome, Outcome::no_json) << text;
        EXPECT_EQ(reading.id, "invalid") << text;
        EXPECT_FALSE(reading.faults.empty()) << text;
    }
}

TEST(Frames, RefusesWhatIsNestedTooDeeply) {
    std::string text = R"({"type":"req","id":"a","method":"m","params":)";
    text += std::string(100'000, '[') + std::string(100'000, ']') + "}";
    EXPECT_EQ(read_request(text).outcome, Outcome::no_json);
    EXPECT_EQ(read_request(text).id, "a");
}

TEST(Frames, FindsTheIdOfARequestThatCannotBeRead) {
    struct Row {
        const char* text;
        const char* id;
    };
    const Row rows[] = {
        {R"({"type":"req","id":"a","method":"m","params":{"n":1e999}})", "a"},
        {R"({"params":{"t":"\uzzzz"},"type":"req","id":"b\u00e4","method":"m"})", "bä"},
        {R"({"params":[{"id":"inner"},"}",{"x":"\"id\":"}], "id" : "outer" ,"n":1e999})", "outer"},
        {R"({"id":"a" oops)", "invalid"},
        {R"({"id":"a", oops)", "a"},
        {R"({"id":7,"n":1e999})", "invalid"},
        {R"({"id":"\uzzzz"})", "invalid"},
        {R"({"id":"never ends)", "invalid"},
        {R"([{"id":"a"},1e999])", "invalid"},
        {R"({"x":{"id":"inner","n":1e999}})", "invalid"},
        {R"({"x":1e999}}}}],"id":"late"})", "invalid"},
        {"{nonsense", "invalid"},
    };
    for (const Row& row : rows) {
        const FrameReading reading = read_request(row.text);
        EXPECT_EQ(reading.outcome, Outcome::no_json) << row.text;
        EXPECT_EQ(reading.id, row.id) << row.text;
    }
}

TEST(LogBudget, LetsABurstThroughAndCountsTheRest) {
    LogBudget budget({3, 1});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.allows(1000));
    EXPECT_EQ(budget.remark(), "");
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(budget.allows(1000));
    EXPECT_TRUE(budget.allows(2000));
    EXPECT_EQ(budget.remark(), " (5 earlier lines were left out)");
    EXPECT_EQ(budget.remark(), "");
    EXPECT_FALSE(budget.allows(2000));
    EXPECT_TRUE(budget.allows(60'000));
}

TEST(Frames, WritesTheThreeTypesAndNothingMore) {
    EXPECT_EQ(response_head("a\"b"), R"({"type":"res","id":"a\"b","ok":true)");
    Failure failure = invalid_request("no");
    failure.details_json = R"({"y":2})";
    EXPECT_EQ(failure_text("1", failure, "{}"),
              R"({"type":"res","id":"1","ok":false,"payload":{},"error":)"
              R"({"code":"INVALID_REQUEST","message":"no","details":{"y":2}}})");
    EXPECT_EQ(failure_text("1", unavailable("later", true)),
              R"({"type":"res","id":"1","ok":false,"error":)"
              R"({"code":"UNAVAILABLE","message":"later","retryable":true}})");
    EXPECT_EQ(event_text("health", "{}", 7, StateVersion{2, 3}),
              R"({"type":"event","event":"health","payload":{},"seq":7,)"
              R"("stateVersion":{"presence":2,"health":3}})");
    EXPECT_EQ(event_text("tick", ""), R"({"type":"event","event":"tick"})");
}

TEST(Frames, CutsTextBetweenCharacters) {
    EXPECT_EQ(cut_text("abc", 5), "abc");
    EXPECT_EQ(cut_text("aä", 2), "a");
    EXPECT_EQ(cut_text("aä", 3), "aä");
}

TEST(Shape, ChecksEveryKind) {
    static constexpr Field inner_fields[] = {{"n", Kind::integer, true, nullptr, {}, 1}};
    static constexpr Shape inner{inner_fields};
    static constexpr Field fields[] = {
        {"o", Kind::object, false, &inner},
        {"b", Kind::boolean},
        {"l", Kind::text_list},
        {"m", Kind::boolean_map},
    };
    static constexpr Shape shape{fields};
    const auto faults = [](const char* text) { return faults_of(*parse_json(text), shape); };
    EXPECT_EQ(faults(R"({"o":{"n":1.0},"b":false,"l":["x"],"m":{"y":true}})"), "");
    EXPECT_EQ(faults(R"({"o":{"n":0}})"), "at /o/n: must be >= 1");
    EXPECT_EQ(faults(R"({"o":{"n":1.5}})"), "at /o/n: must be integer");
    EXPECT_EQ(faults(R"({"o":{"n":1e300}})"), "at /o/n: must be integer");
    EXPECT_EQ(faults(R"({"o":{"n":18446744073709551615}})"), "");
    EXPECT_EQ(faults(R"({"o":[]})"), "at /o: must be object");
    EXPECT_EQ(faults(R"({"b":0,"l":{},"m":[]})"),
              "at /b: must be boolean; at /l: must be array; at /m: must be object");
    EXPECT_EQ(faults(R"({"l":["",1],"m":{"z":1}})"),
              "at /l/0: must NOT have fewer than 1 characters; at /l/1: must be string; "
              "at /m/z: must be boolean");
}

TEST(Shape, NamesSomeOfThousandsOfFaultsInNoTime) {
    Json frame = {{"type", "req"}, {"id", "a"}, {"method", "m"}};
    std::string text = print_json(frame);
    text.pop_back();
    for (int number = 0; number < 40'000; ++number)
        text += ",\"member" + std::to_string(number) + "\":0";
    const clock_t begin = clock();
    const FrameReading reading = read_request(text + "}");
    EXPECT_LT((clock() - begin) / CLOCKS_PER_SEC, 5);
    EXPECT_EQ(reading.outcome, Outcome::no_request);
    EXPECT_NE(reading.faults.find("unexpected property 'member0'"), std::string::npos);
    EXPECT_LT(reading.faults.size(), 5000u);
    const std::string long_name(50'000, 'n');
    EXPECT_LT(read_request("{\"" + long_name + "\":0}").faults.size(), 500u);
}

struct CallRow {
    const char* method;
    const char* role;
    std::vector<std::string> scopes;
    const char* refusal;
};

TEST(MethodsTable, LetsRoleAndScopeDecide) {
    const CallRow rows[] = {
        {"health", "operator", {"operator.admin"}, ""},
        {"health", "operator", {"operator.read"}, ""},
        {"health", "operator", {"operator.write"}, ""},
        {"health", "operator", {"operator.pairing"}, "missing scope: operator.read"},
        {"chat.send", "operator", {"operator.read"}, "missing scope: operator.write"},
        {"chat.send", "operator", {"operator.write"}, ""},
        {"chat.history", "operator", {"operator.read"}, ""},
        {"device.pair.list", "operator", {"operator.read"}, "missing scope: operator.pairing"},
        {"device.pair.list", "operator", {"operator.pairing"}, ""},
        {"exec.approval.resolve",
         "operator",
         {"operator.write"},
         "missing scope: operator.approvals"},
        {"config.get",
         "operator",
         {"operator.read", "operator.write"},
         "missing scope: operator.admin"},
        {"sessions.patch", "operator", {"operator.write"}, "missing scope: operator.admin"},
        {"no.such.method", "operator", {"operator.write"}, "missing scope: operator.admin"},
        {"no.such.method", "operator", {"operator.admin"}, ""},
        {"internal.health", "operator", {"operator.write"}, "missing scope: operator.admin"},
        {"health", "operator", {}, "missing scope: operator.read"},
        {"node.event", "operator", {"operator.admin"}, "unauthorized role: operator"},
        {"health", "node", {}, "unauthorized role: node"},
        {"health", "node", {"operator.admin"}, "unauthorized role: node"},
        {"node.event", "node", {}, ""},
        {"skills.bins", "node", {}, ""},
    };
    for (const CallRow& row : rows) {
        const auto refusal = call_refusal(row.method, row.role, row.scopes);
        EXPECT_EQ(refusal ? refusal->message : "", row.refusal) << row.method << " as " << row.role;
    }
}

TEST(MethodsTable, OffersOnlyWhatIsServedAndKeepsInternalOnesInside) {
    const std::vector<std::string> offered = offered_methods();
    const auto is_offered = [&](std::string_view name) {
        return std::find(offered.begin(), offered.end(), name) != offered.end();
    };
    for (const char* name : {"health", "logs.tail", "config.get", "chat.send", "skills.bins"})
        EXPECT_TRUE(is_offered(name)) << name;
    for (const char* name : {"tts.enable", "wizard.start", "update.run", "skills.install", "poll"})
        EXPECT_FALSE(is_offered(name)) << name;
    EXPECT_EQ(find_method("chat.inject")->served_by, ServedBy::agent) << "served, not named";
    EXPECT_EQ(find_method("internal.health"), nullptr);
    EXPECT_EQ(find_method("connect"), nullptr);
    for (const Method& method : methods())
        EXPECT_EQ(find_method(method.name), &method) << method.name << " is listed twice";
}

TEST(MethodsTable, SaysWhyNobodyServesAMethod) {
    for (const Method& method : methods()) {
        EXPECT_EQ(method.why_not.empty(), method.served_by != ServedBy::nobody) << method.name;
        if (method.served_by == ServedBy::nobody && method.name != "browser.request") {
            EXPECT_EQ(not_served(method.name).code, "INVALID_REQUEST") << method.name;
        }
    }
    const Failure wizard = not_served("wizard.start");
    EXPECT_EQ(wizard.code, "INVALID_REQUEST");
    EXPECT_EQ(wizard.message,
              "wizard.start is not offered by this gateway: this version has no guided set-up; "
              "change openclaw.json with config.set or an editor");
    EXPECT_EQ(not_served("browser.request").code, "UNAVAILABLE");
    EXPECT_EQ(not_served("poll").message,
              "poll is not offered by this gateway: the channels of this version send no polls; "
              "ask the question as a message");
    EXPECT_EQ(not_served("weather.get").message, "unknown method: weather.get");
}

TEST(MethodPage, IsUpToDate) {
    const std::string kept = std::string(std::getenv("HARDSHELL_SOURCE")) + "/ops/methods.md";
    std::stringstream text;
    text << std::ifstream(kept).rdbuf();
    EXPECT_EQ(method_page(), text.str())
        << std::getenv("HARDSHELL_BUILD") << "/workers/gateway/gateway_method_page > " << kept;
}

TEST(MethodPage, SaysWhatEachOfOurOwnTakesAndAnswers) {
    const std::string page = method_page();
    for (const Method& method : methods()) {
        if (!method.name.starts_with("hardshell.")) continue;
        const size_t row = page.find("| `" + std::string(method.name) + "`");
        ASSERT_NE(row, std::string::npos) << method.name;
        EXPECT_NE(page.substr(row, page.find('\n', row) - row).find("→"), std::string::npos)
            << method.name;
    }
}

TEST(EventsTable, DecidesWhoGetsWhat) {
    const std::vector<std::string> admin{"operator.admin"}, pairing{"operator.pairing"},
        read{"operator.read"};
    const Event& chat = *find_event("chat");
    const Event& tick = *find_event("tick");
    const Event& asked = *find_event("device.pair.requested");
    const size_t slow = most_unsent_events + 1;
    EXPECT_EQ(delivery_of(chat, false, "operator", read, 0), Delivery::send);
    EXPECT_EQ(delivery_of(chat, false, "node", {}, 0), Delivery::send);
    EXPECT_EQ(delivery_of(chat, false, "operator", read, most_unsent_events), Delivery::send);
    EXPECT_EQ(delivery_of(chat, false, "operator", read, slow), Delivery::close);
    EXPECT_EQ(delivery_of(chat, true, "operator", read, slow), Delivery::skip);
    EXPECT_EQ(delivery_of(tick, false, "operator", read, slow), Delivery::skip);
    EXPECT_EQ(delivery_of(asked, false, "operator", read, 0), Delivery::skip);
    EXPECT_EQ(delivery_of(asked, false, "operator", pairing, 0), Delivery::send);
    EXPECT_EQ(delivery_of(asked, false, "operator", admin, 0), Delivery::send);
    EXPECT_EQ(delivery_of(asked, false, "node", admin, 0), Delivery::skip);
}

RequestHeaders from(const std::string& peer, const std::string& host) {
    RequestHeaders headers;
    headers.peer = peer;
    headers.host = host;
    return headers;
}

TEST(RequestSource, KnowsWhatIsLocal) {
    GatewaySettings settings;
    for (const char* host : {"localhost:3000", "127.0.0.1", "[::1]:3000", "LOCALHOST", "x.ts.net"})
        EXPECT_TRUE(source_of(from("::ffff:127.0.0.1", host), settings).local) << host;
    EXPECT_TRUE(source_of(from("::1", "localhost"), settings).local);
    EXPECT_FALSE(source_of(from("127.0.0.1", "evil.example"), settings).local);
    EXPECT_FALSE(source_of(from("127.0.0.1", ""), settings).local);
    EXPECT_FALSE(source_of(from("192.168.1.4", "localhost"), settings).local);
    RequestHeaders forwarded = from("127.0.0.1", "localhost");
    forwarded.forwarded = true;
    EXPECT_FALSE(source_of(forwarded, settings).local);
    // Not even when the owner trusts the proxy: the left of the list is the client's to write.
    settings.trusted_proxies = {"127.0.0.1"};
    forwarded.forwarded_for = "127.0.0.1";
    EXPECT_FALSE(source_of(forwarded, settings).local);
}

TEST(RequestSource, BelievesOnlyTheProxiesItWasTold) {
    GatewaySettings settings;
    RequestHeaders headers = from("10.0.0.7", "example.com");
    headers.forwarded = true;
    headers.forwarded_for = "203.0.113.5, 10.0.0.7";
    headers.real_ip = "203.0.113.6";
    headers.fly_client_ip = "203.0.113.7";
    EXPECT_EQ(source_of(headers, settings).address, "10.0.0.7");
    settings.trusted_proxies = {"10.0.0.7"};
    EXPECT_EQ(source_of(headers, settings).address, "203.0.113.5");
    headers.forwarded_for = "";
    EXPECT_EQ(source_of(headers, settings).address, "203.0.113.6");
    headers.real_ip = "garbage\r\n";
    EXPECT_EQ(source_of(headers, settings).address, "10.0.0.7");
}

TEST(RequestSource, TakesWhatTheLastTrustedProxySaw) {
    GatewaySettings settings;
    settings.trusted_proxies = {"10.0.0.7", "10.0.0.8"};
    RequestHeaders headers = from("10.0.0.7", "example.com");
    // The left of the list is the client's to write: with it a guesser would have as many names
    // as he likes, or somebody else's.
    headers.forwarded_for = "198.51.100.1, 203.0.113.5, 10.0.0.8";
    EXPECT_EQ(source_of(headers, settings).address, "203.0.113.5");
    headers.forwarded_for = "203.0.113.5";
    EXPECT_EQ(source_of(headers, settings).address, "203.0.113.5");
    headers.forwarded_for = "10.0.0.8";
    EXPECT_EQ(source_of(headers, settings).address, "10.0.0.8");
    headers.forwarded_for = "203.0.113.5,";
    EXPECT_EQ(source_of(headers, settings).address, "10.0.0.7");
}

TEST(RequestSource, BelievesFlysProxyOnFlyAlone) {
    GatewaySettings settings;
    RequestHeaders headers = from("172.16.4.2", "app.fly.dev");
    headers.fly_client_ip = "2001:db8:1:2:3::4";
    EXPECT_EQ(source_of(headers, settings).address, "172.16.4.2");
    settings.fly_app = "app";
    EXPECT_EQ(source_of(headers, settings).address, "2001:db8:1:2:3::4");
    EXPECT_EQ(source_of(headers, settings).limiter_key, "2001:db8:1:2::/64");
    // Other machines of the organization come over 6PN, and may write any header.
    for (const char* peer : {"203.0.113.1", "fdaa:0:1::2", "172.32.0.1", "127.0.0.1"}) {
        headers.peer = peer;
        EXPECT_EQ(source_of(headers, settings).address, peer);
    }
    // Naming Fly's proxy as trusted does not bring its list back, which ends with the app's own
    // address.
    headers.peer = "172.16.4.2";
    settings.trusted_proxies = {"172.16.4.2"};
    headers.forwarded_for = "198.51.100.1, 66.241.124.1";
    EXPECT_EQ(source_of(headers, settings).address, "2001:db8:1:2:3::4");
}

TEST(Origin, AdmitsThePageItselfAndWhatTheOwnerNamed) {
    GatewaySettings settings;
    const auto allowed = [&](const char* origin, const char* host) {
        RequestHeaders headers = from("203.0.113.1", host);
        headers.origin = origin;
        return origin_allowed(headers, settings);
    };
    EXPECT_TRUE(allowed("", "anything"));
    EXPECT_TRUE(allowed("http://127.0.0.1:3000", "127.0.0.1:3000"));
    EXPECT_TRUE(allowed("https://App.example", "app.example"));
    EXPECT_TRUE(allowed("https://app.example", "app.example:443"));
    EXPECT_FALSE(allowed("https://evil.example", "app.example"));
    EXPECT_FALSE(allowed("http://127.0.0.1:3001", "127.0.0.1:3000"));
    EXPECT_FALSE(allowed("null", "app.example"));
    EXPECT_FALSE(allowed("https://app.example.evil.example", "app.example"));
    EXPECT_FALSE(allowed("https://", ""));
    EXPECT_FALSE(allowed("https://mine.fly.dev", "10.0.0.1:3000"));
    settings.fly_app = "mine";
    settings.allowed_origins = {"https://other.example"};
    EXPECT_TRUE(allowed("https://mine.fly.dev", "10.0.0.1:3000"));
    EXPECT_TRUE(allowed("https://other.example", "app.example"));
}

TEST(Presence, ListsTheNewestFirstAndForgets) {
    Presence presence("Host", "1");
    presence.touch("A", {{"host", "a"}}, 1000);
    presence.touch("b", {{"host", "b"}}, 2000);
    presence.touch("a", {{"reason", "disconnect"}}, 3000);
    Json list = *parse_json(presence.list(4000));
    ASSERT_EQ(list.size(), 3u);
    EXPECT_EQ(text_member(list[0], "mode"), "gateway");
    EXPECT_EQ(text_member(list[1], "host"), "a");
    EXPECT_EQ(text_member(list[1], "reason"), "disconnect");
    EXPECT_EQ(parse_json(presence.list(3000 + Presence::entry_life_ms))->size(), 2u);
    EXPECT_EQ(parse_json(presence.list(1'000'000))->size(), 1u);
    for (int i = 0; i < 500; ++i) presence.touch(std::to_string(i), Json::object(), 1'000'000 + i);
    list = *parse_json(presence.list(1'000'500));
    EXPECT_EQ(list.size(), Presence::most_entries);
    EXPECT_EQ(text_member(list[0], "mode"), "gateway");
}

TEST(RunLedger, EndsWhatIsOpenWithTheNextNumbers) {
    RunLedger ledger;
    ledger.saw("r1", "main", 0);
    ledger.saw("r1", "", 4);
    ledger.saw("r2", "x", 1);
    ledger.saw("", "x", 1);
    ledger.ended("r2");
    const auto open = ledger.take_all();
    ASSERT_EQ(open.size(), 1u);
    EXPECT_EQ(ledger.size(), 0u);
    const Json agent = *parse_json(lost_agent_event(open[0], 99));
    EXPECT_EQ(int_member(agent, "seq"), 5);
    EXPECT_EQ(text_member(agent, "sessionKey"), "main");
    EXPECT_EQ(text_member(member(agent, "data"), "phase"), "error");
    const Json chat = *parse_json(lost_chat_event(open[0]));
    EXPECT_EQ(text_member(chat, "state"), "error");
    EXPECT_FALSE(text_member(chat, "errorMessage").empty());
}

HttpFacts serving() {
    HttpFacts facts;
    facts.readiness = {true, true, false, {}};
    return facts;
}

HttpAnswer get(const std::string& path, const HttpFacts& facts = serving()) {
    HttpAsk ask;
    ask.method = "GET";
    ask.path = path;
    ask.host = "gate.example:3000";
    return *probe_answer(ask, facts);
}

TEST(HttpAnswer, TellsHowThingsStand) {
    HttpFacts facts = serving();
    EXPECT_EQ(get("/healthz").content(), R"({"ok":true,"status":"live"})");
    EXPECT_EQ(get("/health").status, 200);
    EXPECT_EQ(get("/startupz").content(), R"({"ok":true,"status":"started"})");
    EXPECT_EQ(get("/readyz").content(), R"({"ok":true,"status":"ready"})");
    facts.degraded = true;
    EXPECT_EQ(get("/ready", facts).content(), R"({"ok":true,"status":"degraded"})");
    facts.readiness = {true, false, false, {}};
    EXPECT_EQ(get("/readyz", facts).status, 503);
    EXPECT_EQ(get("/startup", facts).status, 200);
    facts.readiness = {false, false, false, {}};
    EXPECT_EQ(get("/startupz", facts).content(), R"({"ok":false,"status":"starting"})");
    EXPECT_EQ(get("/startupz", facts).status, 503);
    EXPECT_EQ(get("/healthz", facts).status, 200);
    facts.readiness = {false, false, true, {}};
    EXPECT_EQ(get("/readyz", facts).content(), R"({"ok":false,"status":"draining"})");
}

TEST(HttpAnswer, NamesWhoIsNotReadyToTheMachineItselfOnly) {
    HttpFacts facts = serving();
    facts.readiness = {true, false, false, {{"agent", "stopped by its owner"}}};
    EXPECT_EQ(get("/readyz", facts).content(), R"({"ok":false,"status":"not ready"})");
    HttpAsk ask;
    ask.method = "GET";
    ask.path = "/readyz";
    ask.local = true;
    const Json body = *parse_json(std::string(probe_answer(ask, facts)->content()));
    EXPECT_EQ(text_member(member(body, "workers")[0], "name"), "agent");
    EXPECT_EQ(text_member(member(body, "workers")[0], "why"), "stopped by its owner");
    ask.path = "/startupz";
    EXPECT_EQ(probe_answer(ask, facts)->content(), R"({"ok":true,"status":"started"})");
}

TEST(HttpAnswer, SaysInAWordThatTheVolumeFillsAndTheRestToTheMachineItself) {
    HttpFacts facts = serving();
    facts.readiness = {true, false, false, {}, "91 % full"};
    EXPECT_EQ(get("/readyz", facts).status, 503);
    EXPECT_EQ(get("/readyz", facts).content(), R"({"ok":false,"status":"volume filling"})");
    EXPECT_EQ(get("/startupz", facts).status, 200) << "clients are let in: the owner may help";
    HttpAsk ask;
    ask.method = "GET";
    ask.path = "/readyz";
    ask.local = true;
    const Json body = *parse_json(std::string(probe_answer(ask, facts)->content()));
    EXPECT_EQ(text_member(body, "volume"), "91 % full");
    facts.readiness.missing = {{"agent", "starting"}};
    EXPECT_EQ(get("/readyz", facts).content(), R"({"ok":false,"status":"not ready"})");
}

WorkerStates one_worker(const std::string& name, WorkerState::State state, bool critical) {
    WorkerState worker;
    worker.set_name(name);
    worker.set_kind(name);
    worker.set_state(state);
    worker.set_critical(critical);
    worker.set_last_end("the key was refused");
    return {worker};
}

TEST(Readiness, SaysWhyEachWorkerIsNotReady) {
    const OwnReadiness own{.ready = true, .draining = false, .has_started = true};
    const auto why = [&](const WorkerStates& workers) {
        const Readiness readiness = readiness_of(workers, own);
        EXPECT_FALSE(readiness.ready);
        return readiness.missing.at(0).worker + " " + readiness.missing.at(0).why;
    };
    EXPECT_EQ(why(one_worker("agent", WorkerState::STOPPED, true)),
              "agent stopped by its owner; `hardshell start agent` starts it");
    EXPECT_EQ(why(one_worker("telegram", WorkerState::HELD, false)),
              "telegram held until its configuration or key changes: the key was refused");
    EXPECT_EQ(why(one_worker("agent", WorkerState::WAITING, true)),
              "agent waits to be started again: the key was refused");
    EXPECT_TRUE(readiness_of(one_worker("telegram", WorkerState::WAITING, false), own).ready);
}

TEST(Readiness, EndsWhileTheVolumeFills) {
    const WorkerStates up = one_worker("agent", WorkerState::READY, true);
    hardshell::proto::VolumeState volume;
    const OwnReadiness own{.ready = true, .volume = &volume};
    EXPECT_TRUE(readiness_of(up, own).ready) << "nothing is known of it";
    volume.set_level(hardshell::proto::VolumeState::ROOM);
    EXPECT_TRUE(readiness_of(up, own).ready);
    for (const auto level :
         {hardshell::proto::VolumeState::FILLING, hardshell::proto::VolumeState::FULL,
          hardshell::proto::VolumeState::READ_ONLY}) {
        volume.set_level(level);
        volume.set_what("why");
        const Readiness readiness = readiness_of(up, own);
        EXPECT_FALSE(readiness.ready);
        EXPECT_TRUE(readiness.started);
        EXPECT_EQ(readiness.volume, "why");
    }
}

TEST(Readiness, HealthTellsHowFullTheVolumeIs) {
    GatewaySettings settings;
    EXPECT_FALSE(health_report({}, {}, settings, true, 1, 1).contains("volume"));
    settings.volume.set_level(hardshell::proto::VolumeState::FILLING);
    settings.volume.set_total_bytes(1000);
    settings.volume.set_free_bytes(100);
    settings.volume.set_what("why");
    const Json health = health_report({}, {}, settings, true, 1, 1);
    const Json& volume = member(health, "volume");
    EXPECT_EQ(text_member(volume, "state"), "filling");
    EXPECT_EQ(int_member(volume, "usedPercent"), 90);
    EXPECT_EQ(text_member(volume, "problem"), "why");
}

TEST(Readiness, StaysStartedWhenTheAgentFails) {
    const WorkerStates down = one_worker("agent", WorkerState::WAITING, true);
    EXPECT_FALSE(readiness_of(down, {.ready = true}).started);
    const Readiness later = readiness_of(down, {.ready = true, .has_started = true});
    EXPECT_TRUE(later.started);
    EXPECT_FALSE(later.ready);
    const OwnReadiness draining{.ready = true, .draining = true, .has_started = true};
    EXPECT_FALSE(readiness_of(down, draining).started);
}

TEST(HttpAnswer, RefusesWhatItCannotRead) {
    HttpAsk ask;
    ask.method = "POST";
    ask.path = "/";
    EXPECT_EQ(refused_outright(ask)->status, 405);
    EXPECT_TRUE(refused_outright(ask)->close);
    ask.chunked = true;
    EXPECT_EQ(refused_outright(ask)->status, 411);
    HttpAsk old;
    old.method = "GET";
    old.path = "/healthz";
    EXPECT_FALSE(refused_outright(old));
    EXPECT_FALSE(probe_answer(old, serving())->close);
    old.http_1_0 = true;
    EXPECT_TRUE(probe_answer(old, serving())->close);
    EXPECT_NE(probe_answer(old, serving())->head.find("Connection: close"), std::string::npos);
}

}  // namespace
}  // namespace gateway
