// A stand-in for tailscaled's LocalAPI on a Unix socket: answers whois as tailscaled does, from a
// table of addresses. Served by a thread until the object goes.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

class TailscaledDouble {
  public:
    explicit TailscaledDouble(std::string socket_path);
    ~TailscaledDouble();
    TailscaledDouble(const TailscaledDouble&) = delete;
    TailscaledDouble& operator=(const TailscaledDouble&) = delete;

    const std::string& socket_path() const { return socket_path_; }
    // That address belongs to a machine of that person.
    void knows(const std::string& address, const std::string& login);
    // From now on it takes questions and never answers.
    void hangs() { hangs_ = true; }
    // The addresses it was asked about.
    std::vector<std::string> asked() const;

  private:
    void serve();
    std::string answer_to(const std::string& request);

    std::string socket_path_;
    int listener_;
    std::atomic<bool> stopped_{false};
    std::atomic<bool> hangs_{false};
    mutable std::mutex mutex_;  // for what follows
    std::map<std::string, std::string> logins_;
    std::vector<std::string> asked_;
    std::thread thread_;
};
