#include "workers/common/base/storage.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

TEST(Storage, SaysWhenTheVolumeTakesNothing) {
    for (const int number : {ENOSPC, EDQUOT, EROFS})
        EXPECT_EQ(storage_error("cannot write x", number).fault, Fault::no_storage);
    EXPECT_EQ(storage_error("cannot write x", EACCES).fault, Fault::system);
    EXPECT_EQ(storage_error("cannot write x", EACCES).sys, EACCES);
}

TEST(Storage, NamesTheFileThatIsFull) {
    const Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    const Done written = write_all(full, "text", "calls.jsonl");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().fault, Fault::no_storage);
    EXPECT_NE(written.error().what.find("calls.jsonl"), std::string::npos);
    EXPECT_TRUE(write_all(full, "", "calls.jsonl")) << "nothing fits everywhere";
}
