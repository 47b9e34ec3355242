#include "supervisor/reload_policy.h"

#include <gtest/gtest.h>

namespace {

using supervisor::Reload;
using supervisor::reload_for;
using supervisor::ReloadCause;

TEST(ReloadPolicy, FollowsWhatIsAskedForInEveryMode) {
    for (const char* mode : {"", "hybrid", "hot", "restart", "off", "unheard of"})
        for (const bool closes : {false, true})
            EXPECT_EQ(reload_for(ReloadCause::asked, mode, closes), Reload::follow) << mode;
}

TEST(ReloadPolicy, HotClosesNoConnection) {
    EXPECT_EQ(reload_for(ReloadCause::noticed, "hot", false), Reload::follow);
    EXPECT_EQ(reload_for(ReloadCause::noticed, "hot", true), Reload::wait);
}

TEST(ReloadPolicy, RestartReplacesEveryoneAndOffNobody) {
    EXPECT_EQ(reload_for(ReloadCause::noticed, "restart", false), Reload::replace_all);
    EXPECT_EQ(reload_for(ReloadCause::noticed, "off", false), Reload::wait);
}

TEST(ReloadPolicy, IsHybridWhenNothingIsSaid) {
    for (const char* mode : {"", "hybrid", "unheard of"})
        for (const bool closes : {false, true})
            EXPECT_EQ(reload_for(ReloadCause::noticed, mode, closes), Reload::follow) << mode;
}

}  // namespace
