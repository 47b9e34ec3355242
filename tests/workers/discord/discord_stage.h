// The double of Discord and the real worker, for tests of both together.
#pragma once

#include <gmock/gmock.h>

#include "tests/support/channel_worker.h"
#include "tests/support/discord_double.h"

class DiscordStage : public testing::Test {
  protected:
    using World = DiscordDouble::World;
    using Inbound = ChannelWorker::Inbound;
    using Report = ChannelWorker::Report;

    // One server, of which everybody may write, when mentioned.
    static constexpr const char* usual_config =
        R"({"channels":{"discord":{"dm":{"allowFrom":["200000000000000001"]},)"
        R"("guilds":{"300000000000000001":{"requireMention":true}}}}})";

    void make(const std::string& config = usual_config, DiscordDouble::Options options = {}) {
        discord_ = std::make_unique<DiscordDouble>(options);
        ChannelWorker::Options worker;
        worker.program = "discord";
        worker.config_json = config;
        worker.secrets = {{"channels.discord.token", DiscordDouble::token}};
        worker.environment = {{"HARDSHELL_DISCORD_API_URL", discord_->api_url()},
                              {"NODE_EXTRA_CA_CERTS", discord_->certificate_file()}};
        worker_ = std::make_unique<ChannelWorker>(worker);
    }
    // Up to READY or RESUMED.
    void start() {
        worker_->start();
        ASSERT_TRUE(worker_->wait([this] { return worker_->status().connected(); })) << log();
    }
    void make_and_start(const std::string& config = usual_config,
                        DiscordDouble::Options options = {}) {
        make(config, options);
        start();
    }
    std::string mention(const std::string& text) {
        return "<@" + std::string(World::bot) + "> " + text;
    }
    // A message in the usual channel that is meant for the bot.
    std::string ask(const std::string& text) {
        return discord_->say(World::general, World::ann, mention(text));
    }
    std::vector<std::string> texts() const {
        std::vector<std::string> all;
        for (const Inbound& each : worker_->inbound()) all.push_back(each.text());
        return all;
    }
    bool wait_for_inbound(size_t count) {
        return worker_->wait([&] { return worker_->inbound().size() >= count; });
    }
    bool wait_until_settled(const std::string& id) {
        return worker_->wait([&] { return worker_->is_settled(id); });
    }
    std::string log() const { return worker_->log(); }

    std::unique_ptr<DiscordDouble> discord_;
    std::unique_ptr<ChannelWorker> worker_;
};
