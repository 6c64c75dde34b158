"""The service's own clients, run by the tests in processes of their own."""
