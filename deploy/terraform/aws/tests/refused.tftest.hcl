# What a caller may not ask for, and is told about before anything is made.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

mock_provider "random" {}

variables {
  image           = "ghcr.io/example/cordwood:1.0.0"
  certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/5f7d0e2a-0000-4000-8000-000000000000"
  ingress_cidrs   = ["203.0.113.0/24"]
}

run "an_image_called_latest" {
  command         = plan
  expect_failures = [var.image]

  variables {
    image = "ghcr.io/example/cordwood:latest"
  }
}

run "no_way_out_of_private_subnets" {
  command         = plan
  expect_failures = [var.interface_endpoints]

  variables {
    nat = "none"
  }
}

run "a_secret_among_the_settings" {
  command         = plan
  expect_failures = [var.settings]

  variables {
    settings = { CORDWOOD_STORE_URL = "postgresql://cordwood:secret@db/cordwood" }
  }
}

run "rabbitmq_4_on_an_instance_that_has_none" {
  command         = plan
  expect_failures = [var.broker]

  variables {
    broker = { engine_version = "4.2", instance_type = "mq.m5.large" }
  }
}

run "scaling_on_fewer_batches_than_a_worker_holds" {
  command         = plan
  expect_failures = [var.worker]

  variables {
    worker = { target_backlog = 100 }
  }
}
