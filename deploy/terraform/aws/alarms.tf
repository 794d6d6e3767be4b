resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = aws_kms_key.this.arn
  tags              = var.tags
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
      },
      {
        Sid       = "Audits"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Condition = { ArnEquals = { "aws:SourceArn" = local.audit_rule_arn } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "mail" {
  count = var.alarm_email == "" ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

locals {
  # Each is a sentence that ends in what to look at first. `missing`: what no figure at all means.
  alarms = {
    backlog = {
      description = "Batches wait in RabbitMQ: are workers well, and is PostgreSQL?"
      namespace   = "AWS/AmazonMQ", metric = "MessageCount", dimensions = local.queue_dimensions
      statistic   = "Average", comparison = "GreaterThanThreshold", threshold = var.alarms.backlog, periods = 2, missing = "breaching"
    }
    errors = {
      description = "api or query answer 5xx: look at their logs and at /ready"
      namespace   = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count", dimensions = { LoadBalancer = aws_lb.this.arn_suffix }
      statistic   = "Sum", comparison = "GreaterThanThreshold", threshold = var.alarms.errors, periods = 1, missing = "notBreaching"
    }
    refused = {
      description = "The load balancer itself answers 5xx: no task is ready, or none answers in time"
      namespace   = "AWS/ApplicationELB", metric = "HTTPCode_ELB_5XX_Count", dimensions = { LoadBalancer = aws_lb.this.arn_suffix }
      statistic   = "Sum", comparison = "GreaterThanThreshold", threshold = var.alarms.errors, periods = 1, missing = "notBreaching"
    }
    database_storage = {
      description = "The database's disk fills up: raise database.max_storage_gib, or keep less"
      namespace   = "AWS/RDS", metric = "FreeStorageSpace", dimensions = { DBInstanceIdentifier = aws_db_instance.this.identifier }
      statistic   = "Minimum", comparison = "LessThanThreshold", threshold = var.alarms.free_storage_gib * 1024 * 1024 * 1024, periods = 1, missing = "breaching"
    }
    database_cpu = {
      description = "The database has no CPU left: a larger database.instance_class, or keep = segments"
      namespace   = "AWS/RDS", metric = "CPUUtilization", dimensions = { DBInstanceIdentifier = aws_db_instance.this.identifier }
      statistic   = "Average", comparison = "GreaterThanThreshold", threshold = 90, periods = 6, missing = "breaching"
    }
    broker_cpu = {
      description = "RabbitMQ has no CPU left: a larger broker.instance_type"
      namespace   = "AWS/AmazonMQ", metric = "SystemCpuUtilization", dimensions = { Broker = aws_mq_broker.this.broker_name }
      statistic   = "Average", comparison = "GreaterThanThreshold", threshold = 90, periods = 3, missing = "breaching"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${replace(each.key, "_", "-")}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = 300
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "unready" {
  for_each = local.behind_the_door

  alarm_name          = "${var.name}-${each.key}-unready"
  alarm_description   = "Tasks of ${each.key} are not ready: /ready says why"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "UnHealthyHostCount"
  dimensions          = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = aws_lb_target_group.this[each.key].arn_suffix }
  statistic           = "Minimum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = var.tags
}
