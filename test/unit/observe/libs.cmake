set(MAS_TEST_LIBS Boost::json)
