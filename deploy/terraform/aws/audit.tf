# The ledger, looked into from outside: `cordwood audit --quick` exits with 1 on a gap, an imbalance or damage, and an
# event tells of every such task that ended with anything but 0, or could not start.

locals {
  audits      = var.audit_minutes == 0 ? 0 : 1
  audit_group = "${var.name}-audit"
  # Written out, as the topic's policy and the key's name it before it is made.
  audit_rule_arn = "arn:${local.partition}:events:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:rule/${local.audit_group}"
}

resource "aws_scheduler_schedule" "audit" {
  # checkov:skip=CKV_AWS_297: the schedule holds a command line, and no secret
  count = local.audits

  name                = local.audit_group
  description         = "Is every accepted event accounted for?"
  schedule_expression = "rate(${var.audit_minutes} minutes)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_ecs_cluster.this.arn
    role_arn = aws_iam_role.audit[0].arn
    input    = jsonencode({ containerOverrides = [{ name = "once", command = ["audit", "--quick"] }] })

    ecs_parameters {
      task_definition_arn = aws_ecs_task_definition.once.arn_without_revision
      launch_type         = "FARGATE"
      group               = local.audit_group

      network_configuration {
        subnets          = aws_subnet.private[*].id
        security_groups  = [aws_security_group.service["worker"].id]
        assign_public_ip = false
      }
    }

    retry_policy {
      maximum_retry_attempts = 2
    }
  }
}

resource "aws_iam_role" "audit" {
  count = local.audits

  name = local.audit_group
  tags = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "audit" {
  count = local.audits

  name = "run"
  role = aws_iam_role.audit[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = "ecs:RunTask"
        Resource  = ["${aws_ecs_task_definition.once.arn_without_revision}:*", aws_ecs_task_definition.once.arn_without_revision]
        Condition = { ArnEquals = { "ecs:cluster" = aws_ecs_cluster.this.arn } }
      },
      {
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = [aws_iam_role.start.arn, aws_iam_role.task["once"].arn]
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
    ]
  })
}

resource "aws_cloudwatch_event_rule" "audit" {
  count = local.audits

  name        = local.audit_group
  description = "An audit found something, or could not look"
  tags        = var.tags

  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail = {
      clusterArn = [aws_ecs_cluster.this.arn]
      group      = [local.audit_group]
      lastStatus = ["STOPPED"]
      "$or" = [
        { containers = { exitCode = [{ anything-but = 0 }] } },
        { stopCode = ["TaskFailedToStart"] },
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "audit" {
  count = local.audits

  rule = aws_cloudwatch_event_rule.audit[0].name
  arn  = aws_sns_topic.alarms.arn
}
