"""What is deployed, run by the SAM CLI in containers."""
