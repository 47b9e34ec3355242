// One process of the agent with one account of a channel; the test is the channel.
#pragma once

#include <gtest/gtest.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/channels/channels.h"

namespace agent {

using hardshell::proto::AgentToChannel;
using hardshell::proto::ChannelToAgent;
using hardshell::proto::DeliverMessage;
using hardshell::proto::DeliveryReport;
using hardshell::proto::Place;

inline Json accounts() {
    return Json::parse(R"({"telegram": {"defaultAccount": "default",
                                        "accounts": {"default": {"enabled": true}}}})");
}

struct ChannelProcess {
    ChannelProcess(const std::string& directory, ManualLoop& loop, Json config = Json::object())
        : life(directory, loop, std::move(config)) {
        std::filesystem::create_directories(directory + "/credentials");
        EXPECT_TRUE(moved_groups.recover());
        life.runs = std::make_unique<Runs>(
            RunServices{loop, *life.store, life.models, events, life.config, life.system_events,
                        [&loop] { return loop.now_ms; }, [&loop] { return loop.now_ms; }, nullptr,
                        &life.tools});
        life.desk = std::make_unique<FrontDesk>(FrontDesk::Services{
            *life.runs, *life.store, life.models, life.config,
            [this] { return life.models.list(); }, [&loop] { return loop.now_ms; }, directory});
        channels = std::make_unique<Channels>(
            Channels::Services{loop, *life.store, life.store->channels(), *life.runs, *life.desk,
                               life.config, moved_groups, life.system_events, events,
                               [&loop] { return loop.now_ms; }, accounts(), directory});
        channels->add({"telegram", "default"}, [this](const AgentToChannel& message) -> Done {
            if (!reachable) return Error{Fault::busy, "telegram does not keep up"};
            told.push_back(message);
            return {};
        });
        EXPECT_TRUE(life.runs->recover());
        EXPECT_TRUE(channels->start());
        loop.settle();
    }

    void say(const ChannelToAgent& message) {
        channels->take("telegram", message.SerializeAsString());
        life.loop.settle();
    }
    void come_up(bool answers = false) {
        ChannelToAgent message;
        message.mutable_link_up()->set_channel("telegram");
        message.mutable_link_up()->set_answers(answers);
        say(message);
    }
    void offer(const std::string& key, const std::string& text, bool may_command = true) {
        offer(key, key, text, may_command, "");
    }
    // The message of that id was changed.
    void change(const std::string& key, const std::string& id, const std::string& text) {
        offer(key, id, text, true, id);
    }
    void offer(const std::string& key, const std::string& id, const std::string& text,
               bool may_command, const std::string& replaces) {
        ChannelToAgent message;
        auto& inbound = *message.mutable_inbound();
        inbound.set_key(key);
        inbound.set_message_id(id);
        inbound.set_replaces_id(replaces);
        inbound.mutable_place()->set_kind(Place::DIRECT);
        inbound.mutable_place()->set_chat_id("555");
        inbound.mutable_sender()->set_id("555");
        inbound.mutable_sender()->set_name("Ann");
        inbound.set_sent_ms(life.loop.now_ms);
        inbound.set_text(text);
        inbound.set_may_command(may_command);
        say(message);
    }
    void report(const std::string& id, DeliveryReport::Outcome outcome, uint32_t part = 0,
                uint32_t parts = 1, const std::string& reason = "") {
        ChannelToAgent message;
        auto& made = *message.mutable_report();
        made.set_delivery_id(id);
        made.set_outcome(outcome);
        made.set_part(part);
        made.set_parts(parts);
        made.set_platform_id("m" + std::to_string(part));
        made.set_reason(reason);
        say(message);
    }
    std::vector<std::string> accepted() const {
        std::vector<std::string> keys;
        for (const auto& message : told)
            if (message.has_accepted()) keys.push_back(message.accepted().key());
        return keys;
    }
    std::vector<DeliverMessage> delivered() const {
        std::vector<DeliverMessage> all;
        for (const auto& message : told)
            if (message.has_deliver()) all.push_back(message.deliver());
        return all;
    }
    std::vector<std::string> texts() const {
        std::vector<std::string> all;
        for (const auto& message : delivered()) all.push_back(message.text());
        return all;
    }
    std::vector<std::string> typing() const {
        std::vector<std::string> all;
        for (const auto& message : told)
            if (message.has_typing()) all.push_back(message.typing().on() ? "on" : "off");
        return all;
    }
    void answer(const std::string& text) {
        life.models.last().finish(text);
        life.loop.settle();
    }

    TurnEvents events{recorder};
    Recorder recorder;
    Life life;
    MovedGroups moved_groups{*life.store, life.config};
    std::unique_ptr<Channels> channels;
    std::vector<AgentToChannel> told;
    bool reachable = true;
};

class ChannelMessages : public testing::Test {
  protected:
    ChannelProcess& start(Json config = Json::object()) {
        process.reset();
        // A turn for each message, at once, unless the test is about that.
        if (!config.contains("messages"))
            config["messages"]["queue"] = {{"mode", "followup"}, {"debounceMs", 0}};
        process = std::make_unique<ChannelProcess>(directory.path(), loop, std::move(config));
        return *process;
    }

    TemporaryDirectory directory;
    ManualLoop loop;
    std::unique_ptr<ChannelProcess> process;
};

}  // namespace agent
