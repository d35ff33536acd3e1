set(MAS_TEST_LIBS OpenSSL::Crypto)
