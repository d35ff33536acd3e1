set(MAS_TEST_LIBS mas_codec mas_meta Boost::json)
