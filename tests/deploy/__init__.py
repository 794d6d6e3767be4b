"""What is deployed, held against Cordwood: modules of Terraform, manifests of Kubernetes, and Compose."""
