set(MAS_TEST_LIBS mas_meta mas_fs)
