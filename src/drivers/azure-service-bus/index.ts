export {
  type AzureServiceBusOptions,
  azureServiceBusCapabilities,
  azureServiceBusDriver,
} from "./driver.ts";
export { openAzureServiceBus } from "./url.ts";
