output "door" {
  description = "DNS name of the load balancer: point the certificate's names at it (CNAME, or an alias with door_zone_id)"
  value       = aws_lb.this.dns_name
}

output "door_zone_id" {
  description = "Hosted zone of the load balancer, for an alias in Route 53"
  value       = aws_lb.this.zone_id
}

output "first_key_secret" {
  description = "ARN of the secret that holds the first API key: aws secretsmanager get-secret-value --secret-id …"
  value       = aws_secretsmanager_secret.this["CORDWOOD_TENANCY_API_KEYS"].arn
}

output "segments_url" {
  description = "Where the segments are, for other engines"
  value       = "s3://${aws_s3_bucket.segments.bucket}/${local.segments_prefix}"
}

output "alarm_topic_arn" {
  description = "SNS topic of all alarms"
  value       = aws_sns_topic.alarms.arn
}

output "cluster" {
  description = "Name of the ECS cluster; its services are api, worker and query"
  value       = aws_ecs_cluster.this.name
}

output "vpc_id" {
  description = "The VPC, to peer with those that send"
  value       = aws_vpc.this.id
}

output "database_address" {
  description = "Address of PostgreSQL within the VPC, for SQL clients"
  value       = aws_db_instance.this.address
}

output "run_once" {
  description = "Command that runs the migration in a task of its own; --overrides '{\"containerOverrides\":[{\"name\":\"once\",\"command\":[\"audit\"]}]}' runs another"
  value = join(" ", [
    "aws ecs run-task --launch-type FARGATE --cluster ${aws_ecs_cluster.this.name}",
    "--task-definition ${aws_ecs_task_definition.once.family}",
    "--network-configuration 'awsvpcConfiguration={subnets=[${join(",", aws_subnet.private[*].id)}],securityGroups=[${aws_security_group.service["worker"].id}],assignPublicIp=DISABLED}'",
    "--query 'tasks[0].taskArn' --output text",
  ])
}
